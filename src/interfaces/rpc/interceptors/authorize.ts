import type { DescMethod } from "@bufbuild/protobuf";
import { type ContextKey, type ContextValues, createContextKey, type Interceptor } from "@connectrpc/connect";
import type { Caller, Callers } from "../../../domain/caller/callers.ts";
import type { Peer } from "../../../domain/caller/peer.ts";
import { DomainError } from "../../../domain/errors.ts";
import { Secret } from "../../../domain/secret.ts";
import { toConnectError } from "../errors.ts";
import { type MethodPermissions, methodName } from "../permissions.ts";
import { callerKey, grantsKey, peerKey } from "../rpc-call.ts";

/** The parts of a call that authentication and authorisation need: none of them is a message. */
interface CallHead {
  readonly method: DescMethod;
  readonly header: Pick<Headers, "get">;
  readonly contextValues: ContextValues;
}

/** Authentication and authorisation of calls, made once per call and enforced in the chain of interceptors. */
export interface Admission {
  /**
   * Authenticates and authorises a call before its body is read, and keeps the outcome in the call's context values.
   * Never rejects.
   *
   * @returns whether the call may go on
   */
  admit(call: CallHead): Promise<boolean>;
  /** Throws the refusal of `admit`. A call whose listener has not asked `admit` is decided here. */
  readonly authorize: Interceptor;
}

type Outcome = { readonly admitted: true } | { readonly admitted: false; readonly error: unknown };

const outcomeKey: ContextKey<Outcome | undefined> = createContextKey(undefined, { description: "admission" });

/** Deny by default: a method that is not among the permissions is refused to every caller. */
export function createAdmission(callers: Callers, permissions: MethodPermissions): Admission {
  const needs = new Map(
    [...permissions].map(([method, permission]) => [method, { permission, name: methodName(method) }]),
  );
  const decide = async ({ contextValues, header, method }: CallHead): Promise<Outcome> => {
    try {
      const caller = await identify(callers, contextValues.get(peerKey), (name) => header.get(name));
      contextValues.set(callerKey, caller.name).set(grantsKey, caller.grants);
      const need = needs.get(method);
      if (need === undefined || !(caller.grants.has(need.permission) || caller.grants.has(need.name))) {
        throw permissionDenied(caller, need?.name ?? methodName(method), need?.permission);
      }
      return { admitted: true };
    } catch (error) {
      return { admitted: false, error };
    }
  };
  return {
    async admit(call) {
      const outcome = await decide(call);
      call.contextValues.set(outcomeKey, outcome);
      return outcome.admitted;
    },
    authorize: (next) => async (request) => {
      const outcome = request.contextValues.get(outcomeKey) ?? (await decide(request));
      if (!outcome.admitted) throw outcome.error;
      return next(request);
    },
  };
}

/** The same for reflection, whose streams do not pass through the interceptors. */
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
