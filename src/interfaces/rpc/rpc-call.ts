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

const unknownPeer: Peer = { address: "", certificate: undefined };

/** The connected peer. Set by the listener. */
export const peerKey: ContextKey<Peer> = createContextKey(unknownPeer, { description: "peer" });
/** The caller. Set by the interceptor that authenticates. */
export const callerKey: ContextKey<string> = createContextKey("unknown", { description: "caller" });
/** The caller's grants. Set by the interceptor that authenticates. */
export const grantsKey: ContextKey<Grants> = createContextKey(Grants.none, { description: "grants" });
/** The scope of the caller's grant of this method. Set by the interceptor that authorises. */
export const scopeKey: ContextKey<Scope> = createContextKey(Scope.nowhere, { description: "scope" });
/** Identifies the call in the log. Set by the interceptor that logs. */
export const requestIdKey: ContextKey<string> = createContextKey("", { description: "request id" });

/** The initial context of a call. For listeners, which know the peer. */
export function contextOf(peer: Peer): ContextValues {
  return createContextValues().set(peerKey, peer);
}

/** Converts a handler's context to the domain's call. */
export function toCall(context: HandlerContext): Call {
  return new RpcCall(context);
}

/** Reads on demand, so that a signal or deadline that is not used is never created. */
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
