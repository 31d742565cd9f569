import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { AuthenticationService } from "../../src/gen/auth/v1/authentication_service_pb.ts";
import { EventService } from "../../src/gen/auth/v1/event_service_pb.ts";
import { SessionService } from "../../src/gen/auth/v1/session_service_pb.ts";
import { TokenService } from "../../src/gen/auth/v1/token_service_pb.ts";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { UserTransferService } from "../../src/gen/auth/v1/user_transfer_service_pb.ts";
import type { RunningService } from "./service.ts";

export interface ApiClients {
  readonly users: Client<typeof UserService>;
  readonly authentication: Client<typeof AuthenticationService>;
  readonly sessions: Client<typeof SessionService>;
  readonly tokens: Client<typeof TokenService>;
  readonly transfers: Client<typeof UserTransferService>;
  readonly events: Client<typeof EventService>;
}

/** The API over gRPC, on the gRPC port. */
export function grpcClients({ grpcAddress }: Pick<RunningService, "grpcAddress">): ApiClients {
  return clientsOn(createGrpcTransport({ baseUrl: `http://${grpcAddress}` }));
}

/** The API over Connect, on the HTTP port. */
export function httpClients({ httpUrl }: RunningService): ApiClients {
  return clientsOn(createConnectTransport({ baseUrl: httpUrl, httpVersion: "1.1" }));
}

function clientsOn(transport: Parameters<typeof createClient>[1]): ApiClients {
  return {
    users: createClient(UserService, transport),
    authentication: createClient(AuthenticationService, transport),
    sessions: createClient(SessionService, transport),
    tokens: createClient(TokenService, transport),
    transfers: createClient(UserTransferService, transport),
    events: createClient(EventService, transport),
  };
}
