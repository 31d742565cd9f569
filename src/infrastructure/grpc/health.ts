import {
  type Server,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

/** The health of the process and its services, served as grpc.health.v1.Health: Check, Watch and List. */
export interface Health {
  /** Sets the status of "", which liveness probes query: whether the process works. Initially NOT_SERVING. */
  setLive(live: boolean): void;
  /** Sets the status of "readiness" and of each service: whether to send requests here. Initially NOT_SERVING. */
  setReady(ready: boolean): void;
  addToServer(server: Server): void;
  /**
   * Sets every status to NOT_SERVING permanently and ends the watches, which would otherwise delay a drain by its
   * grace.
   */
  shutDown(): void;
}

type ServingStatus = "SERVING" | "NOT_SERVING";

interface Watch {
  once(event: "close", listener: () => void): unknown;
  emit(event: "error", error: unknown): boolean;
}

/** @param services full names, as in "auth.v1.UserService" */
export function createHealth(services: readonly string[]): Health {
  const statuses = new Map(
    ["", "readiness", ...services].map((name) => [name, "NOT_SERVING" as ServingStatus]),
  );
  const health = new HealthImplementation(Object.fromEntries(statuses));
  // grpc-health-check cannot end a watch, so they are tracked here.
  const watches = new Set<Watch>();
  let down = false;

  const say = (names: readonly string[], serving: boolean) => {
    const status = serving && !down ? "SERVING" : "NOT_SERVING";
    for (const name of names.filter((each) => statuses.get(each) !== status)) {
      statuses.set(name, status);
      health.setStatus(name, status);
    }
  };

  return {
    setLive: (live) => say([""], live),
    setReady: (ready) => say(["readiness", ...services], ready),
    addToServer(server) {
      const onWatch = (watch: Watch) => {
        watches.add(watch);
        watch.once("close", () => watches.delete(watch));
        if (down) {
          end(watch);
        }
      };
      health.addToServer({
        addService: (definition, implementation) =>
          server.addService(
            definition as unknown as ServiceDefinition,
            trackWatches(implementation as UntypedServiceImplementation, onWatch),
          ),
      });
    },
    shutDown() {
      down = true;
      say([...statuses.keys()], false);
      watches.forEach(end);
    },
  };
}

function trackWatches(
  implementation: UntypedServiceImplementation,
  onWatch: (watch: Watch) => void,
): UntypedServiceImplementation {
  const serve = implementation["watch"] as (watch: Watch) => void;
  return {
    ...implementation,
    watch(watch: Watch) {
      serve(watch);
      onWatch(watch);
    },
  } as UntypedServiceImplementation;
}

function end(watch: Watch): void {
  watch.emit("error", { code: status.UNAVAILABLE, details: "the server is shutting down" });
}
