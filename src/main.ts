import { loadConfig } from "./config/config.ts";
import { describeSettings } from "./config/settings.ts";
import { locateDatabase } from "./infrastructure/db/locate-database.ts";
import { createLogger } from "./infrastructure/process/logger.ts";
import { onStopSignal } from "./infrastructure/process/signals.ts";
import { StartError } from "./infrastructure/process/start-error.ts";

/** libuv threads left for name lookups and files while all hash threads are busy. */
const spareThreads = 4;

async function main(args: readonly string[]): Promise<void> {
  if (args.length > 0) {
    const help = args.includes("--help");
    const usage = "auth takes no arguments. It is configured by environment variables:\n\n";
    process[help ? "stdout" : "stderr"].write(`${usage}${describeSettings()}\n`);
    process.exitCode = help ? 0 : 2;
    return;
  }
  const stopping = new AbortController();
  onStopSignal((signal) => stopping.abort(signal));
  try {
    await start(stopping.signal);
  } catch (error) {
    if (stopping.signal.aborted) return;
    process.stderr.write(`${error instanceof StartError ? error.message : (error as Error).stack}\n`);
    process.exitCode = 1;
  }
}

/**
 * Starting PostgreSQL, in its own process, and loading the service's modules, in this one, take most of the startup
 * time. They run in parallel: service.ts is imported only here, when PostgreSQL is already starting.
 */
async function start(stop: AbortSignal): Promise<void> {
  const config = loadConfig(process.env, process.execArgv);
  // libuv reads this when it first needs a thread, which is later.
  process.env["UV_THREADPOOL_SIZE"] ??= String(config.hashPool.concurrency + spareThreads);
  const logger = await createLogger(config.log);
  const log = (line: string) => logger.info(line);
  const waiting = Promise.withResolvers<void>();
  const location = locateDatabase({ ...config, log, signal: stop, onWaiting: waiting.resolve });
  await Promise.race([waiting.promise, location]);
  const { runService } = await import("./service.ts");
  await runService({ config, location, logger, stop });
}

await main(process.argv.slice(2));
