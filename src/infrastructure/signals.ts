/** What npm and a terminal both pass on arrives twice, within milliseconds: that is one signal. */
const echoMs = 250;

/**
 * Tells of the first SIGINT or SIGTERM. A second one is impatience, and ends the process at once with exit code 1: what
 * is in flight is lost, as after a kill, and nothing that was acknowledged is.
 */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void): void {
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      stop(signal);
    } else if (performance.now() - firstAt > echoMs) {
      process.exit(1);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
}
