import type { Interceptor } from "@connectrpc/connect";
import type { Caller, Callers } from "../../../domain/caller/callers.ts";
import type { Peer } from "../../../domain/caller/peer.ts";
import { DomainError } from "../../../domain/errors.ts";
import { Secret } from "../../../domain/secret.ts";
import { toConnectError } from "../errors.ts";
import { type MethodPermissions, methodName } from "../permissions.ts";
import { callerKey, grantsKey, peerKey } from "../rpc-call.ts";

/**
 * Lets a call through where its caller is known and may make it. Deny by default: a method that is not among the
 * permissions is nobody's.
 */
export function authorize(callers: Callers, permissions: MethodPermissions): Interceptor {
  const needs = new Map(
    [...permissions].map(([method, permission]) => [method, { permission, name: methodName(method) }]),
  );
  return (next) => async (request) => {
    const { contextValues, header, method } = request;
    const caller = await identify(callers, contextValues.get(peerKey), (name) => header.get(name));
    contextValues.set(callerKey, caller.name).set(grantsKey, caller.grants);
    const need = needs.get(method);
    if (need === undefined || !(caller.grants.has(need.permission) || caller.grants.has(need.name))) {
      throw permissionDenied(caller, need?.name ?? methodName(method), need?.permission);
    }
    return next(request);
  };
}

/** The same for reflection, which is no method of ours. */
export function reflectionGuard(callers: Callers) {
  return async (peer: Peer, header: (name: string) => string | null): Promise<void> => {
    try {
      const caller = await identify(callers, peer, header);
      if (!caller.grants.has("reflection.use"))
        throw permissionDenied(caller, "reflection", "reflection.use");
    } catch (error) {
      throw toConnectError(error, "");
    }
  };
}

function identify(callers: Callers, peer: Peer, header: (name: string) => string | null): Promise<Caller> {
  const authorization = header("authorization");
  return callers.identify({
    peer,
    authorization: authorization === null ? undefined : new Secret(authorization),
    forwardedCertificate: header("x-forwarded-client-cert") ?? undefined,
  });
}

function permissionDenied({ name }: Caller, what: string, permission: string | undefined): DomainError {
  return new DomainError(
    "PERMISSION_DENIED",
    `${name} may not use ${what}: it takes the permission "${permission ?? ""}"`,
  );
}
