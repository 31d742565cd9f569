/** npm and the terminal can both pass on one signal, so it arrives twice within milliseconds. */
const duplicateSignalMs = 250;

/**
 * Calls `stop` on the first SIGINT or SIGTERM. A second one ends the process at once with exit code 1: work in flight
 * is lost, as after a kill, but nothing that was acknowledged is.
 */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void): void {
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      stop(signal);
    } else if (performance.now() - firstAt > duplicateSignalMs) {
      process.exit(1);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}
