import { type Client, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { AuthenticationService } from "../../src/gen/auth/v1/authentication_service_pb.ts";
import { EventService } from "../../src/gen/auth/v1/event_service_pb.ts";
import { ServiceAccountService } from "../../src/gen/auth/v1/service_account_service_pb.ts";
import { SessionService } from "../../src/gen/auth/v1/session_service_pb.ts";
import { TokenService } from "../../src/gen/auth/v1/token_service_pb.ts";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { UserTransferService } from "../../src/gen/auth/v1/user_transfer_service_pb.ts";
import {
  type BadRequest_FieldViolation,
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "../../src/gen/google/rpc/error_details_pb.ts";
import type { RelationalRepository } from "../../src/interfaces/relationaldb/relational-repository.ts";
import { createAdmission } from "../../src/interfaces/rpc/interceptors/authorize.ts";
import { logCalls } from "../../src/interfaces/rpc/interceptors/log-calls.ts";
import { validateRequests } from "../../src/interfaces/rpc/interceptors/validate.ts";
import { createRoutes, permissionsOfMethods } from "../../src/interfaces/rpc/routes.ts";
import { servicesOn } from "./services.ts";

export interface LogLine {
  readonly level: "info" | "warn" | "error";
  readonly fields: { method?: string; code?: string; durationMs?: number; requestId?: string; err?: unknown };
}

export interface RpcClients {
  readonly users: Client<typeof UserService>;
  readonly authentication: Client<typeof AuthenticationService>;
  readonly sessions: Client<typeof SessionService>;
  readonly tokens: Client<typeof TokenService>;
  readonly serviceAccounts: Client<typeof ServiceAccountService>;
  readonly events: Client<typeof EventService>;
  readonly transfers: Client<typeof UserTransferService>;
}

/** The whole API on a repository, through the real handlers and interceptors, without a socket. */
export function rpcOn(
  repository: RelationalRepository,
  services = servicesOn(repository),
): RpcClients & { readonly log: LogLine[]; readonly services: ReturnType<typeof servicesOn> } {
  const log: LogLine[] = [];
  const at = (level: LogLine["level"]) => (fields: object) => void log.push({ level, fields });
  const interceptors = [
    logCalls({ info: at("info"), warn: at("warn"), error: at("error") }),
    createAdmission(services.callers, permissionsOfMethods).authorize,
    validateRequests,
  ];
  const transport = createRouterTransport(createRoutes(services), { router: { interceptors } });
  return {
    users: createClient(UserService, transport),
    authentication: createClient(AuthenticationService, transport),
    sessions: createClient(SessionService, transport),
    tokens: createClient(TokenService, transport),
    serviceAccounts: createClient(ServiceAccountService, transport),
    events: createClient(EventService, transport),
    transfers: createClient(UserTransferService, transport),
    log,
    services,
  };
}

/** An error as a caller gets it, with its details read. */
export interface ReceivedError {
  readonly code: number;
  readonly message: string;
  readonly reason: string | undefined;
  readonly domain: string | undefined;
  readonly fields: readonly string[];
  readonly violations: readonly BadRequest_FieldViolation[];
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;
}

/** The error that a call ends with. Fails where it does not. */
export async function errorOf(call: Promise<unknown>): Promise<ReceivedError> {
  const error = await call.then(
    () => {
      throw new Error("the call was expected to fail");
    },
    (reason: unknown) => ConnectError.from(reason),
  );
  const [info] = error.findDetails(ErrorInfoSchema);
  const [retry] = error.findDetails(RetryInfoSchema);
  const violations = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
  return {
    code: error.code,
    message: error.rawMessage,
    reason: info?.reason,
    domain: info?.domain,
    fields: violations.map(({ field }) => field),
    violations,
    retryAfterMs:
      retry?.retryDelay && Number(retry.retryDelay.seconds) * 1_000 + retry.retryDelay.nanos / 1_000_000,
    requestId: error.findDetails(RequestInfoSchema)[0]?.requestId,
  };
}
