import { grpcClients } from "../support/clients.ts";
import { type BenchDatabase, openBenchDatabase } from "./bench-database.ts";
import { startBenchService } from "./bench-service.ts";
import type { Effort } from "./effort.ts";
import { type Figure, round } from "./figure.ts";

const password = "correct horse battery staple";
const manySessions = 100_000;
const callsOfEach = 300;
const bar = 2;

type Clients = ReturnType<typeof grpcClients>;

/** Everything that ends all sessions of a user. */
const methods: Readonly<Record<string, (clients: Clients, id: string) => Promise<unknown>>> = {
  RevokeUserSessions: ({ sessions }, userId) => sessions.revokeUserSessions({ userId }),
  SuspendUser: ({ users }, id) => users.suspendUser({ id, reason: "bench" }),
  DeleteUser: ({ users }, id) => users.deleteUser({ id }),
  SetPassword: ({ authentication }, userId) => authentication.setPassword({ userId, password }),
};

/** Calls for a user with one session and for one with 100,000, in turns. Each finds all sessions live. */
export async function revokeAll(effort: Effort): Promise<Figure[]> {
  await using database = await openBenchDatabase(10);
  await using service = await startBenchService(database.uri);
  const clients = grpcClients({ grpcAddress: service.address });
  const [one = "", many = ""] = database.userIds;
  const count = effort.count(manySessions);
  await addSessions(database, one, 1);
  await addSessions(database, many, count);
  await database.query("vacuum analyze");
  const figures: Figure[] = [];
  for (const [name, call] of Object.entries(methods)) {
    const latenciesMs: Record<string, number[]> = { [one]: [], [many]: [] };
    for (let i = 0; i < effort.count(callsOfEach); i++) {
      for (const id of [one, many]) {
        const startedAt = performance.now();
        await call(clients, id);
        latenciesMs[id]?.push(performance.now() - startedAt);
        await bringBack(database, id);
      }
    }
    const [p99OfOne, p99OfMany] = [p99(latenciesMs[one]), p99(latenciesMs[many])];
    const ratio = p99OfMany / p99OfOne;
    figures.push({
      name: `${name} p99 of a user with ${count} sessions ÷ with one`,
      value: round(ratio),
      bar: `≤ ${bar}`,
      met: ratio <= bar,
      detail: `${round(p99OfMany, 1)} ms ÷ ${round(p99OfOne, 1)} ms, ${latenciesMs[one]?.length} calls each`,
    });
  }
  return figures;
}

async function addSessions(database: BenchDatabase, userId: string, count: number): Promise<void> {
  await database.query(
    `insert into sessions (
       id, user_id, audience, client_id, client_display_name, client_user_agent, client_ip_address, generation,
       create_time, refresh_time, idle_expire_time, expire_time, purge_time
     )
     select
       gen_random_uuid(), $1, 'development', 'bench', '', '', '', 1,
       now() - n * interval '1 second', now(), now() + interval '1 day', now() + interval '30 days',
       now() + interval '37 days'
     from generate_series(1, $2) as n`,
    [userId, count],
  );
}

/** Makes a user active and all of their sessions live again. */
async function bringBack(database: BenchDatabase, id: string): Promise<void> {
  await database.query("delete from session_ends where user_id = $1", [id]);
  await database.query(
    `update users
     set session_epoch = 0, delete_time = null, suspend_time = null, suspend_reason = null
     where id = $1`,
    [id],
  );
}

function p99(latenciesMs: readonly number[] = []): number {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
}
