import type { DescMethod, DescService } from "@bufbuild/protobuf";
import {
  type ConnectRouter,
  type ContextValues,
  createContextValues,
  createMethodImplSpec,
  createServiceImplSpec,
  type Interceptor,
  type MethodImplSpec,
} from "@connectrpc/connect";
import type { Peer } from "../../domain/caller/peer.ts";
import type { Admit } from "./admit.ts";
import type { BoundMethod } from "./grpc-call.ts";
import { invokeHandler } from "./invoke.ts";

/** What to serve, and how. */
export interface ConnectBindingOptions {
  /** The routes function of a Connect server. */
  readonly routes: (router: ConnectRouter) => unknown;
  /** Connect interceptors, outermost first. Applied once per method, not per call. */
  readonly interceptors: readonly Interceptor[];
  /** Called before the first message of a call is read. If absent, every call is admitted. */
  readonly admit?: Admit | undefined;
  /** Creates the initial context values of a call. Empty if absent. */
  readonly contextOf?: ((peer: Peer) => ContextValues) | undefined;
  /** Maximum duration of a call in milliseconds, also if the caller sets no deadline. */
  readonly maxTimeoutMs: number;
  /** The same for a stream. Each of its requests must still arrive within `maxTimeoutMs` of being awaited. */
  readonly maxStreamMs: number;
  /** Called with each error that is answered as "internal error", and the path of its method. */
  readonly report?: ((error: unknown, path: string) => void) | undefined;
}

/** Connect services, bound to gRPC. */
export interface ConnectBinding {
  /** The services in the routes, without duplicates. */
  readonly services: readonly DescService[];
  /** @param path the `:path` header, such as "/auth.v1.UserService/GetUser" */
  find(path: string): BoundMethod | undefined;
}

/**
 * Serves Connect services over gRPC: all four kinds of call, headers and trailers, error details, cancellation,
 * backpressure, and deadlines that hold even if a handler ignores them.
 *
 * A request that cannot be decoded, does not have exactly one message, or does not arrive before the deadline goes
 * through the interceptors like any other, except that reading its `message` throws. So it is logged, counted and
 * answered like any other call, and interceptors that do not read the message need no special case.
 *
 * @throws Error if a method has two handlers
 */
export function bindConnect(options: ConnectBindingOptions): ConnectBinding {
  const specs = collectRoutes(options.routes);
  const methods = new Map<string, BoundMethod>();
  for (const spec of specs) {
    const path = pathOf(spec.method);
    if (methods.has(path)) {
      throw new Error(`${path} is routed twice`);
    }
    methods.set(path, bindMethod(spec, path, options));
  }
  return {
    services: [...new Set(specs.map((spec) => spec.method.parent))],
    find: (path) => methods.get(path),
  };
}

/** Runs a Connect routes function on a router that only records the methods. */
function collectRoutes(routes: (router: ConnectRouter) => unknown): MethodImplSpec[] {
  const specs: MethodImplSpec[] = [];
  const router: ConnectRouter = {
    handlers: [],
    service(service, implementation) {
      specs.push(...Object.values(createServiceImplSpec(service, implementation).methods));
      return router;
    },
    rpc(method, implementation) {
      specs.push(createMethodImplSpec(method, implementation));
      return router;
    },
  };
  routes(router);
  return specs;
}

function bindMethod(spec: MethodImplSpec, path: string, options: ConnectBindingOptions): BoundMethod {
  const {
    interceptors,
    maxTimeoutMs,
    maxStreamMs,
    report,
    admit,
    contextOf = () => createContextValues(),
  } = options;
  return {
    spec,
    admit,
    run: interceptors.reduceRight((next, interceptor) => interceptor(next), invokeHandler(spec)),
    maxTimeoutMs: spec.kind === "unary" ? maxTimeoutMs : maxStreamMs,
    maxRequestMs: maxTimeoutMs,
    urlOn: urlMaker(path),
    contextOf,
    report(error) {
      try {
        report?.(error, path);
      } catch {
        // A failing log must not fail the call, and there is nowhere else to report the error.
      }
    },
  };
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/**
 * Builds request URLs. The caller chooses the authority; one that does not form a valid URL is replaced by localhost.
 */
function urlMaker(path: string): (authority: string) => string {
  let last = { authority: "", url: `http://localhost${path}` };
  return (authority) => {
    if (authority !== last.authority) {
      const url = `http://${authority}${path}`;
      last = { authority, url: URL.canParse(url) ? url : `http://localhost${path}` };
    }
    return last.url;
  };
}
