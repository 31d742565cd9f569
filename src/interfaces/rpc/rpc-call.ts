import {
  type ContextKey,
  type ContextValues,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { Call, Origin } from "../../domain/call.ts";
import { Grants, Scope } from "../../domain/caller/grants.ts";
import type { Peer } from "../../domain/caller/peer.ts";

const nobody: Peer = { address: "", certificate: undefined };

/** Who is connected: set by the listener. */
export const peerKey: ContextKey<Peer> = createContextKey(nobody, { description: "peer" });
/** Who calls: set by the interceptor that finds out. */
export const callerKey: ContextKey<string> = createContextKey("unknown", { description: "caller" });
/** What the caller may do: set by the interceptor that finds out who it is. */
export const grantsKey: ContextKey<Grants> = createContextKey(Grants.none, { description: "grants" });
/** What the caller's grant of this method is good for: set by the interceptor that finds out. */
export const scopeKey: ContextKey<Scope> = createContextKey(Scope.nowhere, { description: "scope" });
/** By which the log knows the call: set by the interceptor that logs. */
export const requestIdKey: ContextKey<string> = createContextKey("", { description: "request id" });

/** What a call begins with: for the listeners, which know the peer. */
export function contextOf(peer: Peer): ContextValues {
  return createContextValues().set(peerKey, peer);
}

/** A handler's context as the domain's call. */
export function toCall(context: HandlerContext): Call {
  return new RpcCall(context);
}

/** Reads on demand: a signal or a deadline that nobody asks for is never made. */
class RpcCall implements Call {
  readonly #context: HandlerContext;

  constructor(context: HandlerContext) {
    this.#context = context;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  timeoutMs(): number | undefined {
    return this.#context.timeoutMs();
  }

  get origin(): Origin {
    const { values } = this.#context;
    return {
      caller: values.get(callerKey),
      requestId: values.get(requestIdKey),
      address: values.get(peerKey).address,
    };
  }

  may(grant: string): boolean {
    return this.grants.has(grant);
  }

  get grants(): Grants {
    return this.#context.values.get(grantsKey);
  }

  get scope(): Scope {
    return this.#context.values.get(scopeKey);
  }
}
