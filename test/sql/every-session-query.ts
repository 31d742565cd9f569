import type { PageCursor } from "../../src/domain/page-tokens.ts";
import type { SessionLimits } from "../../src/domain/session/session.ts";
import type { Repositories, Statements } from "../../src/interfaces/relationaldb/relational-repository.ts";
import type { NewSession } from "../../src/interfaces/relationaldb/session-repository.ts";
import type { NewSigningKey } from "../../src/interfaces/relationaldb/signing-key-repository.ts";
import { anEvent } from "../support/events.ts";

/** The arguments that the queries of sessions are called with. */
export interface SessionArguments {
  /** A user with sessions, some of which are live. */
  readonly userId: string;
  /** What the user's password hash is. */
  readonly passwordHash: string;
  /** Some live ones of them, at any generation. */
  readonly live: readonly { readonly id: string; readonly generation: number }[];
  /** Places in the list of the user's sessions: its beginning, which is undefined, and others. */
  readonly cursors: readonly (PageCursor | undefined)[];
  readonly newId: () => string;
}

interface RepositoryQuery {
  readonly name: string;
  readonly page: number;
  run(repositories: Repositories): Promise<unknown>;
}

interface StatementQuery {
  readonly name: string;
  readonly page: number;
  run(statements: Statements): Promise<unknown>;
}

const limits: SessionLimits = { idleMs: 3_600_000, absoluteMs: 86_400_000, leewayMs: 10_000, perUser: 100 };
const pageSize = 51;
/** As many signing keys as there ever are. */
const handful = 8;

/** Every query of the repositories of sessions and signing keys. */
export function everySessionQuery(given: SessionArguments): RepositoryQuery[] {
  const { userId, live, cursors, newId } = given;
  const [id = newId(), kept = newId()] = live.map((session) => session.id);
  const ids = live.map((session) => session.id);
  const wrapped = Buffer.from("wrapped");
  const key: NewSigningKey = {
    id: newId(),
    sequence: 1_000,
    algorithm: "ES256",
    publicJwk: { kty: "EC", crv: "P-256", x: "x", y: "y" },
    wrappedPrivateKey: wrapped,
    activateAfterMs: 1_000,
  };
  return [
    query("sessions.find", 1, ({ sessions }) => sessions.find(id)),
    query("sessions.statuses of none", 1, ({ sessions }) => sessions.statuses([])),
    query("sessions.statuses", ids.length, ({ sessions }) => sessions.statuses(ids)),
    query("sessions.end", 1, ({ sessions }) => sessions.end(id, "revoked")),
    query("sessions.end of one that is not there", 1, ({ sessions }) => sessions.end(newId(), "revoked")),
    query("sessions.exceedsCount", 100, ({ sessions }) => sessions.exceedsCount(userId, 100)),
    query("sessions.evict", 110, ({ sessions }) => sessions.evict(userId, 100, 10)),
    query("sessions.endAll", 1, ({ sessions }) => sessions.endAll(userId, "user-suspended", undefined)),
    query("sessions.endAll but one", 1, ({ sessions }) => sessions.endAll(userId, "password-changed", kept)),
    query("sessions.settle", 500, async ({ sessions }) => {
      await sessions.endAll(userId, "revoked", undefined);
      await sessions.settle(500);
    }),
    query("sessions.sweep", 500, ({ sessions }) => sessions.sweep(500)),
    ...[false, true].flatMap((liveOnly) =>
      cursors.map((after, place) =>
        query<Repositories>(
          `sessions.list${liveOnly ? " live only" : ""}, cursor ${place}`,
          pageSize,
          ({ sessions }) => sessions.list({ userId, liveOnly, after, limit: pageSize }),
        ),
      ),
    ),
    query("signingKeys.list", handful, ({ signingKeys }) => signingKeys.list()),
    query("signingKeys.add", handful, ({ signingKeys }) => signingKeys.add(key)),
    query("signingKeys.rewrap", 1, ({ signingKeys }) => signingKeys.rewrap(key.id, wrapped, wrapped)),
    query("signingKeys.revoke", 1, ({ signingKeys }) => signingKeys.revoke(key.id)),
    query("signingKeys.activate", 1, ({ signingKeys }) => signingKeys.activate(key.id)),
    query("signingKeys.remove", 1, ({ signingKeys }) => signingKeys.remove([key.id])),
  ];
}

/** Every statement that is a transaction of its own. */
export function everyStatementQuery({
  userId,
  passwordHash,
  live,
  newId,
}: SessionArguments): StatementQuery[] {
  const session: NewSession = {
    id: newId(),
    userId,
    caller: "spiffe://example.org/web",
    audience: "https://api.example.com",
    client: { id: "web", displayName: "", userAgent: "", ipAddress: "" },
    passwordHash,
  };
  const event = anEvent({ userId });
  const [{ id, generation } = { id: newId(), generation: 1 }] = live;
  const refreshed = (name: string, of: number): StatementQuery =>
    query<Statements>(`sessions.refresh with ${name}`, 1, ({ sessions }) =>
      sessions.refresh({ id, generation: of, caller: "spiffe://example.org/web" }, limits, event),
    );
  return [
    query("sessions.begin", 1, ({ sessions }) => sessions.begin(session, limits, event)),
    query("sessions.begin with another hash", 1, ({ sessions }) =>
      sessions.begin({ ...session, passwordHash: "another" }, limits, event),
    ),
    refreshed("a token of the future", generation + 1),
    refreshed("its token", generation),
    refreshed("the token before", generation - 1),
    refreshed("an older token", generation - 2),
  ];
}

function query<On>(name: string, page: number, run: (on: On) => Promise<unknown>) {
  return { name, page, run };
}
