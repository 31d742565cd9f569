import type { DescMethod } from "@bufbuild/protobuf";
import {
  type ContextKey,
  type ContextValues,
  createContextKey,
  type Interceptor,
  type StreamRequest,
} from "@connectrpc/connect";
import type { Caller, Callers } from "../../../domain/caller/callers.ts";
import type { Peer } from "../../../domain/caller/peer.ts";
import { DomainError } from "../../../domain/errors.ts";
import { Secret } from "../../../domain/secret.ts";
import { toConnectError } from "../errors.ts";
import { type MethodPermissions, methodName } from "../permissions.ts";
import { callerKey, grantsKey, peerKey, scopeKey } from "../rpc-call.ts";
import { InterruptibleStream } from "./interruptible-stream.ts";
import { defaultReauthorisationTimes, Reauthorisation, type ReauthorisationTimes } from "./reauthorise.ts";

/** The parts of a call that authentication and authorisation need, without its messages. */
interface CallHead {
  readonly method: DescMethod;
  readonly header: Pick<Headers, "get">;
  readonly contextValues: ContextValues;
}

/** Authenticates and authorises calls. The decision is made once per call and enforced by an interceptor. */
export interface Admission {
  /**
   * Authenticates and authorises a call before its body is read, and stores the outcome in the call's context values.
   * Never rejects.
   *
   * @returns whether the call may proceed
   */
  admit(call: CallHead): Promise<boolean>;
  /**
   * Throws the refusal of `admit`. If the listener has not called `admit`, decides here. An open stream is reauthorised
   * periodically, and ended once its caller is no longer allowed.
   */
  readonly authorize: Interceptor;
}

type Outcome = { readonly admitted: true } | { readonly admitted: false; readonly error: unknown };

const outcomeKey: ContextKey<Outcome | undefined> = createContextKey(undefined, { description: "admission" });

/** Deny by default: a method without a permission is refused to every caller. */
export function createAdmission(
  callers: Callers,
  permissions: MethodPermissions,
  times: ReauthorisationTimes = defaultReauthorisationTimes,
): Admission {
  const needs = new Map(
    [...permissions].map(([method, permission]) => [method, { permission, name: methodName(method) }]),
  );
  const decide = async ({ contextValues, header, method }: CallHead, maxAgeMs?: number): Promise<Outcome> => {
    try {
      const headerOf = (name: string) => header.get(name);
      const caller = await identify(callers, contextValues.get(peerKey), headerOf, maxAgeMs);
      contextValues.set(callerKey, caller.name).set(grantsKey, caller.grants);
      const need = needs.get(method);
      const scope = need && caller.grants.scopeOf(need.permission, need.name);
      if (scope === undefined) {
        throw permissionDenied(caller, need?.name ?? methodName(method), need?.permission);
      }
      contextValues.set(scopeKey, scope);
      return { admitted: true };
    } catch (error) {
      return { admitted: false, error };
    }
  };
  const check = async (request: StreamRequest) => {
    const outcome = await decide(request, times.maxAgeMs);
    if (!outcome.admitted) throw outcome.error;
  };
  return {
    async admit(call) {
      const outcome = await decide(call);
      call.contextValues.set(outcomeKey, outcome);
      return outcome.admitted;
    },
    authorize: (next) => async (request) => {
      const outcome = request.contextValues.get(outcomeKey) ?? (await decide(request));
      // Rejected, not thrown: throwing costs more, and callers without credentials decide how often this happens.
      if (!outcome.admitted) return Promise.reject(outcome.error);
      if (!request.stream) return next(request);
      const stream = new InterruptibleStream(() => reauthorisation[Symbol.dispose]());
      const reauthorisation = new Reauthorisation({
        check: () => check(request),
        isRefusal,
        times,
        end: (error) => stream.interrupt(error),
      });
      return stream.run(request, next);
    },
  };
}

/** The same for reflection, whose streams bypass the interceptors. */
export function reflectionGuard(callers: Callers, times: ReauthorisationTimes = defaultReauthorisationTimes) {
  const check = async (peer: Peer, header: (name: string) => string | null, maxAgeMs?: number) => {
    const caller = await identify(callers, peer, header, maxAgeMs);
    if (!caller.grants.has("reflection.use")) throw permissionDenied(caller, "reflection", "reflection.use");
  };
  return async (
    peer: Peer,
    header: (name: string) => string | null,
    end: (error: unknown) => void,
  ): Promise<Disposable> => {
    try {
      await check(peer, header);
    } catch (error) {
      throw toConnectError(error, "");
    }
    return new Reauthorisation({
      check: () => check(peer, header, times.maxAgeMs),
      isRefusal,
      times,
      end: (error) => end(toConnectError(error, "")),
    });
  };
}

/** Whether an error is a refusal of the caller, and not a failure to decide. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof DomainError && (error.kind === "unauthenticated" || error.kind === "permission-denied")
  );
}

function identify(
  callers: Callers,
  peer: Peer,
  header: (name: string) => string | null,
  maxAgeMs?: number,
): Promise<Caller> {
  const authorization = header("authorization");
  const evidence = {
    peer,
    authorization: authorization === null ? undefined : new Secret(authorization),
    forwardedCertificate: header("x-forwarded-client-cert") ?? undefined,
  };
  return callers.identify(evidence, maxAgeMs);
}

function permissionDenied({ name }: Caller, what: string, permission: string | undefined): DomainError {
  return new DomainError(
    "PERMISSION_DENIED",
    `${what} requires the permission "${permission ?? ""}", which ${name} does not have`,
  );
}
