import type { ConnectRouter } from "@connectrpc/connect";
import type { AuthenticationService } from "../../domain/credential/authentication-service.ts";
import type { UserService } from "../../domain/user/user-service.ts";
import { AuthenticationService as AuthenticationServiceDesc } from "../../gen/auth/v1/authentication_service_pb.ts";
import { UserService as UserServiceDesc } from "../../gen/auth/v1/user_service_pb.ts";
import { authenticationHandlers } from "./authentication-handlers.ts";
import { userHandlers } from "./user-handlers.ts";

/** The domain services behind the doors. */
export interface Services {
  readonly users: UserService;
  readonly authentication: AuthenticationService;
}

/** Every service of the API, in the order in which they are listed. */
export const serviceDescriptors = [UserServiceDesc, AuthenticationServiceDesc] as const;

/** The one list of routes: both listeners serve it. */
export function createRoutes({ users, authentication }: Services): (router: ConnectRouter) => void {
  return (router) => {
    router.service(UserServiceDesc, userHandlers(users));
    router.service(AuthenticationServiceDesc, authenticationHandlers(authentication));
  };
}
