import { ListUsersRequestSchema } from "../../src/gen/auth/v1/user_service_pb.ts";
import { grpcClients } from "../support/clients.ts";
import { openBenchDatabase } from "./bench-database.ts";
import { startBenchService } from "./bench-service.ts";
import type { Effort } from "./effort.ts";
import { type Figure, median, round } from "./figure.ts";
import { encoded, runLoad } from "./load-job.ts";

const sizes = [10_000, 1_000_000];
const rounds = 5;
/** Users a measured page: the deepest begins so many before the last user. */
const pageSize = 50;

/** The first page and the deepest, in a small table and in a large one. */
export async function listUsers(effort: Effort): Promise<Figure[]> {
  const latencies: { readonly name: string; readonly ms: number }[] = [];
  for (const users of sizes.map(effort.count)) {
    await using database = await openBenchDatabase(users);
    await using service = await startBenchService(database.uri);
    const client = grpcClients({ grpcAddress: service.address }).users;
    let pageToken = "";
    for (let seen = 0; seen + pageSize < users; seen += 1_000) {
      const left = users - seen;
      const page = await client.listUsers({ pageSize: Math.min(1_000, left - pageSize), pageToken });
      pageToken = page.nextPageToken;
    }
    const pages = { first: "", deepest: pageToken };
    for (const [page, token] of Object.entries(pages)) {
      const messages = [encoded(ListUsersRequestSchema, { pageSize, pageToken: token })];
      const job = { address: service.address, path: "/auth.v1.UserService/ListUsers", messages, inFlight: 1 };
      await runLoad({ ...job, seconds: effort.seconds(2) });
      const p50s: number[] = [];
      for (let i = 0; i < effort.rounds(rounds); i++)
        p50s.push((await runLoad({ ...job, seconds: effort.seconds(1) })).p50Ms);
      latencies.push({ name: `${page} of ${users}`, ms: median(p50s) });
    }
  }
  const all = latencies.map(({ ms }) => ms);
  const ratio = Math.max(...all) / Math.min(...all);
  return [
    {
      name: "ListUsers, slowest ÷ fastest of first and deepest page at 10 k and 1 M users",
      value: round(ratio),
      bar: "≤ 1.5",
      met: ratio <= 1.5,
      detail: latencies.map(({ name, ms }) => `${name}: ${round(ms)} ms`).join(", "),
    },
  ];
}
