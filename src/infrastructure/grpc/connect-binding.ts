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

/** What is served, and how. */
export interface ConnectBindingOptions {
  /** The routes, as any Connect server takes them. */
  readonly routes: (router: ConnectRouter) => unknown;
  /** Outermost first, as any Connect server takes them. Applied once per method, not per call. */
  readonly interceptors: readonly Interceptor[];
  /** Asked before the first message of a call is read. Without it every call is admitted. */
  readonly admit?: Admit | undefined;
  /** What a call begins with, where not with nothing. */
  readonly contextOf?: ((peer: Peer) => ContextValues) | undefined;
  /** The longest time for one call in milliseconds, also for a caller that sets no deadline. */
  readonly maxTimeoutMs: number;
  /** The same for a stream, each of whose requests still has to come within `maxTimeoutMs` once it is waited for. */
  readonly maxStreamMs: number;
  /** Told of every error that leaves as "internal error", with the path of the method. */
  readonly report?: ((error: unknown, path: string) => void) | undefined;
}

/** Connect services made ready for gRPC. */
export interface ConnectBinding {
  /** The services that the routes named, each once. */
  readonly services: readonly DescService[];
  /** @param path as in ":path", "/auth.v1.UserService/GetUser" */
  find(path: string): BoundMethod | undefined;
}

/**
 * Serves Connect services over gRPC: all four kinds of call, headers and trailers, error details, deadlines that
 * hold whatever a handler does, cancellation, backpressure.
 *
 * A request that cannot be decoded, has not exactly one message, or does not come before the deadline goes through the
 * interceptors like any other, except that reading its `message` throws. So such a call is logged, counted and answered
 * like any other, and an interceptor that does not look at the message needs to know nothing of this.
 *
 * @throws Error when a method has two handlers
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

/** Runs a Connect routes function on a router that only takes note. */
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
        // A log that fails must not fail the call, and nobody is left to tell.
      }
    },
  };
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** A request's URL. The authority is the caller's to choose, so one that makes no URL is replaced. */
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
