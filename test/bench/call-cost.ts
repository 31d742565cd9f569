import { join } from "node:path";
import { LookupUserRequestSchema } from "../../src/gen/auth/v1/user_service_pb.ts";
import { cpuMsOf } from "../support/process-figures.ts";
import { type Figure, median, round } from "./figure.ts";
import { encoded, runLoad } from "./load-job.ts";
import { MeasuredProcess } from "./measured-process.ts";

const names = ["auth", "grpc-js", "connect-node"] as const;
const rounds = 7;

/** CPU that one unary call costs the server, in turns, so that a noisy neighbour disturbs all alike. */
export async function callCost(): Promise<Figure[]> {
  const program = join(import.meta.dirname, "echo-server.ts");
  await using stack = new AsyncDisposableStack();
  const servers = await Promise.all(
    names.map(async (name) => {
      const server = stack.use(new MeasuredProcess([program, name]));
      return { name, server, address: await server.firstLine, costs: [] as number[] };
    }),
  );
  const request = { identifier: { case: "username" as const, value: "ada.lovelace-0001" } };
  const messages = [encoded(LookupUserRequestSchema, request)];
  const load = { path: "/auth.v1.UserService/LookupUser", messages, inFlight: 32 };
  for (const { address } of servers) await runLoad({ ...load, address, seconds: 4 });
  for (let i = 0; i < rounds; i++) {
    for (const { server, address, costs } of servers) {
      const before = await cpuMsOf(server);
      const { answered, failures } = await runLoad({ ...load, address, seconds: 2 });
      if (failures > 0) throw new Error(`${failures} calls failed`);
      costs.push((((await cpuMsOf(server)) - before) / answered) * 1e3);
    }
  }
  const [ours = 0, bare = 0, stock = 0] = servers.map(({ costs }) => median(costs));
  return [
    {
      name: "CPU per unary call through every interceptor ÷ bare grpc-js echo",
      value: round(ours / bare),
      bar: "≤ 1.5",
      met: ours / bare <= 1.5,
      detail: `auth ${round(ours, 0)} µs, grpc-js ${round(bare, 0)} µs; stock connect-node ${round(stock, 0)} µs (${round(stock / bare)})`,
    },
  ];
}
