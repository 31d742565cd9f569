import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LookupUserRequestSchema } from "../../src/gen/auth/v1/user_service_pb.ts";
import { cpuMsOf } from "../support/process-figures.ts";
import type { Effort } from "./effort.ts";
import { type Figure, median, round } from "./figure.ts";
import { encoded, runLoad } from "./load-job.ts";
import { MeasuredProcess } from "./measured-process.ts";

const root = join(import.meta.dirname, "../..");
const rounds = 7;
/** A ratio so near to 1 needs more rounds, and shorter ones, than one of 1.5. */
const roundsAgainst = 21;

/**
 * CPU that one unary call costs the server, in turns, so that a noisy neighbour disturbs all alike.
 * @param against a revision of this repository: its own echo server is measured in the same turns
 */
export async function callCost(effort: Effort, against?: string): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const commands = [
    { name: "auth", folder: root, argument: "auth" },
    { name: "grpc-js", folder: root, argument: "grpc-js" },
    ...(against === undefined
      ? [{ name: "connect-node", folder: root, argument: "connect-node" }]
      : [{ name: against, folder: checkOut(stack, against), argument: "auth" }]),
  ];
  const servers = await Promise.all(
    commands.map(async ({ name, folder, argument }) => {
      const server = stack.use(new MeasuredProcess([join(folder, "test/bench/echo-server.ts"), argument]));
      return { name, server, address: await server.firstLine, costs: [] as number[] };
    }),
  );
  const request = { identifier: { case: "username" as const, value: "ada.lovelace-0001" } };
  const messages = [encoded(LookupUserRequestSchema, request)];
  const load = { path: "/auth.v1.UserService/LookupUser", messages, inFlight: 32 };
  for (const { address } of servers) await runLoad({ ...load, address, seconds: effort.seconds(4) });
  const seconds = effort.seconds(against === undefined ? 2 : 1);
  for (let i = 0; i < effort.rounds(against === undefined ? rounds : roundsAgainst); i++) {
    // Every other round backwards: none is always the one that follows a certain other.
    for (const { server, address, costs } of i % 2 === 0 ? servers : servers.toReversed()) {
      const before = await cpuMsOf(server);
      const { answered, failures } = await runLoad({ ...load, address, seconds });
      if (failures > 0) throw new Error(`${failures} calls failed`);
      costs.push((((await cpuMsOf(server)) - before) / answered) * 1e3);
    }
  }
  const [ours = [], bare = [], other = []] = servers.map(({ costs }) => costs);
  const micros = (costs: readonly number[]) => `${round(median(costs), 1)} µs`;
  if (against !== undefined) return [comparison(against, ours, bare, other)];
  const ratio = median(ours) / median(bare);
  return [
    {
      name: "CPU per unary call through every interceptor ÷ bare grpc-js echo",
      value: round(ratio),
      bar: "≤ 1.5",
      met: ratio <= 1.5,
      detail: `auth ${micros(ours)}, grpc-js ${micros(bare)}; stock connect-node ${micros(other)} (${round(median(other) / median(bare))})`,
    },
  ];
}

/** The cost of a call now ÷ at a revision, each ÷ bare grpc-js: the median of the rounds. */
function comparison(
  against: string,
  ours: readonly number[],
  bare: readonly number[],
  theirs: readonly number[],
): Figure {
  const inRound = (costs: readonly number[], i: number) => (costs[i] ?? 0) / (bare[i] ?? 0);
  const now = median(ours.map((_, i) => inRound(ours, i)));
  const then = median(theirs.map((_, i) => inRound(theirs, i)));
  const ratio = median(ours.map((_, i) => inRound(ours, i) / inRound(theirs, i)));
  const micros = (costs: readonly number[]) => `${round(median(costs), 1)} µs`;
  return {
    name: `CPU per unary call ÷ bare grpc-js, now ÷ at ${against}`,
    value: round(ratio),
    bar: "≤ 1.05",
    met: ratio <= 1.05,
    detail:
      `now ${round(now)}, then ${round(then)}, median of ${ours.length} rounds; ` +
      `now ${micros(ours)}, then ${micros(theirs)}, grpc-js ${micros(bare)}`,
  };
}

/** A revision in a temporary worktree with our node_modules. It is removed with the stack. */
function checkOut(stack: AsyncDisposableStack, revision: string): string {
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", root, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  const temporary = mkdtempSync(join(tmpdir(), "auth-bench-"));
  stack.defer(() => rmSync(temporary, { recursive: true, force: true }));
  const folder = join(temporary, "tree");
  git("worktree", "add", "--detach", folder, revision);
  stack.defer(() => void git("worktree", "remove", "--force", folder));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}
