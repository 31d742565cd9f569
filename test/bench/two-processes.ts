import { openBenchDatabase } from "./bench-database.ts";
import { startBenchService } from "./bench-service.ts";
import type { Effort } from "./effort.ts";
import { type Figure, median, round } from "./figure.ts";
import { getUser } from "./get-user-rate.ts";
import { runLoad } from "./load-job.ts";

const rounds = 5;

/**
 * What a second process on a second core adds. Each process has a core, which it shares with the load that it gets and
 * with its connections' backends in PostgreSQL: so the first has all that it needs on one core, and the second is not
 * given the idle rest of the first one's.
 */
export async function twoProcesses(effort: Effort): Promise<Figure[]> {
  const cores = ["0", "1"];
  const ratios: number[] = [];
  const rates: { one: number; two: number }[] = [];
  await using stack = new AsyncDisposableStack();
  const setups = await Promise.all(
    cores.map(async (core) => {
      const database = stack.use(await openBenchDatabase(effort.count(10_000), core));
      const service = stack.use(await startBenchService(database.uri, { cores: core }));
      return { core, job: getUser(service.address, database) };
    }),
  );
  const loads = setups.map(
    ({ core, job }) =>
      (seconds: number) =>
        runLoad({ ...job, seconds }, core),
  );
  await Promise.all(loads.map((load) => load(effort.seconds(5))));
  for (let i = 0; i < effort.rounds(rounds); i++) {
    const alone = await loads[0]?.(effort.seconds(3));
    const together = await Promise.all(loads.map((load) => load(effort.seconds(3))));
    const [one, two] = [alone?.perSecond ?? 0, together.reduce((sum, { perSecond }) => sum + perSecond, 0)];
    rates.push({ one, two });
    ratios.push(two / one);
  }
  const ratio = median(ratios);
  return [
    {
      name: "two processes on two cores ÷ one on one, GetUser/s",
      value: round(ratio),
      bar: "≥ 1.7",
      met: ratio >= 1.7,
      detail: `${round(median(rates.map(({ two }) => two)), 0)}/s ÷ ${round(median(rates.map(({ one }) => one)), 0)}/s`,
    },
  ];
}
