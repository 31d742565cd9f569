import type { ConnectRouter } from "@connectrpc/connect";
import type { EventService } from "../../domain/audit/event-service.ts";
import type { ServiceAccountService } from "../../domain/caller/service-account-service.ts";
import type { AuthenticationService } from "../../domain/credential/authentication-service.ts";
import type { SessionService } from "../../domain/session/session-service.ts";
import type { KeyRing } from "../../domain/signing-key/key-ring.ts";
import type { Lockouts } from "../../domain/throttle/lockouts.ts";
import type { TokenService } from "../../domain/token/token-service.ts";
import type { UserTransferService } from "../../domain/transfer/user-transfer-service.ts";
import type { UserService } from "../../domain/user/user-service.ts";
import { AuthenticationService as AuthenticationServiceDesc } from "../../gen/auth/v1/authentication_service_pb.ts";
import { EventService as EventServiceDesc } from "../../gen/auth/v1/event_service_pb.ts";
import { ServiceAccountService as ServiceAccountServiceDesc } from "../../gen/auth/v1/service_account_service_pb.ts";
import { SessionService as SessionServiceDesc } from "../../gen/auth/v1/session_service_pb.ts";
import { TokenService as TokenServiceDesc } from "../../gen/auth/v1/token_service_pb.ts";
import { UserService as UserServiceDesc } from "../../gen/auth/v1/user_service_pb.ts";
import { UserTransferService as UserTransferServiceDesc } from "../../gen/auth/v1/user_transfer_service_pb.ts";
import { authenticationHandlers } from "./authentication-handlers.ts";
import { eventHandlers } from "./event-handlers.ts";
import { methodName, methodPermissions } from "./permissions.ts";
import { serviceAccountHandlers } from "./service-account-handlers.ts";
import { sessionHandlers } from "./session-handlers.ts";
import { tokenHandlers } from "./token-handlers.ts";
import { userHandlers } from "./user-handlers.ts";
import { userTransferHandlers } from "./user-transfer-handlers.ts";

/** The domain services that the handlers call. */
export interface Services {
  readonly users: UserService;
  readonly lockouts: Lockouts;
  readonly authentication: AuthenticationService;
  readonly sessions: SessionService;
  readonly tokens: TokenService;
  readonly keyRing: KeyRing;
  readonly serviceAccounts: ServiceAccountService;
  readonly events: EventService;
  readonly transfers: UserTransferService;
}

/** Every service of the API, in the order of listings. */
export const serviceDescriptors = [
  UserServiceDesc,
  AuthenticationServiceDesc,
  SessionServiceDesc,
  TokenServiceDesc,
  ServiceAccountServiceDesc,
  EventServiceDesc,
  UserTransferServiceDesc,
] as const;

/** The permission that each method of the API requires, and the names of the methods in policies. */
export const permissionsOfMethods = methodPermissions(serviceDescriptors);
export const methodNames: ReadonlySet<string> = new Set([...permissionsOfMethods.keys()].map(methodName));

/** The only list of routes, served by both listeners. */
export function createRoutes(services: Services): (router: ConnectRouter) => void {
  return (router) => {
    router.service(UserServiceDesc, userHandlers(services.users, services.lockouts));
    router.service(AuthenticationServiceDesc, authenticationHandlers(services.authentication));
    router.service(SessionServiceDesc, sessionHandlers(services.sessions));
    router.service(TokenServiceDesc, tokenHandlers(services.tokens, services.keyRing));
    router.service(ServiceAccountServiceDesc, serviceAccountHandlers(services.serviceAccounts));
    router.service(EventServiceDesc, eventHandlers(services.events));
    router.service(UserTransferServiceDesc, userTransferHandlers(services.transfers));
  };
}
