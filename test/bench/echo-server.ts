/**
 * An echo behind one of three gRPC servers, as its first argument says, in a process of its own: LookupUser answers a
 * user with the username that was asked for. Prints its address.
 */
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { type handleUnaryCall, Server, ServerCredentials } from "@grpc/grpc-js";
import {
  type LookupUserRequest,
  LookupUserRequestSchema,
  type LookupUserResponse,
  LookupUserResponseSchema,
  UserService,
} from "../../src/gen/auth/v1/user_service_pb.ts";
import { listenGrpc } from "../../src/infrastructure/grpc/listen-grpc.ts";
import { createLogger } from "../../src/infrastructure/process/logger.ts";
import { unknownMethod } from "../../src/interfaces/rpc/errors.ts";
import { createAdmission } from "../../src/interfaces/rpc/interceptors/authorize.ts";
import { logCalls } from "../../src/interfaces/rpc/interceptors/log-calls.ts";
import { validateRequests } from "../../src/interfaces/rpc/interceptors/validate.ts";
import { permissionsOfMethods } from "../../src/interfaces/rpc/routes.ts";
import { contextOf } from "../../src/interfaces/rpc/rpc-call.ts";
import { InMemoryRepository } from "../support/in-memory-repository.ts";
import { servicesOn } from "../support/services.ts";

const echo = ({ identifier }: LookupUserRequest) => ({
  user: { username: identifier.case === "username" ? identifier.value : "" },
});
const routes = (router: ConnectRouter) => router.service(UserService, { lookupUser: echo });

const servers: Record<string, () => Promise<string>> = {
  /** As service.ts serves: every interceptor, and a line in the log for each call. */
  async auth() {
    const logger = await createLogger({ level: "info", format: "json" });
    const { callers } = servicesOn(new InMemoryRepository());
    const { admit, authorize } = createAdmission(callers, permissionsOfMethods);
    const interceptors = [logCalls(logger), authorize, validateRequests];
    const options = { address: "127.0.0.1:0", routes, interceptors, admit, contextOf, unknownMethod };
    return (await listenGrpc(options)).address;
  },

  /** grpc-js with nothing around it but the same codec. */
  async "grpc-js"() {
    const server = new Server();
    const handle: handleUnaryCall<LookupUserRequest, LookupUserResponse> = ({ request }, answer) =>
      answer(null, create(LookupUserResponseSchema, echo(request)));
    const method = {
      path: "/auth.v1.UserService/LookupUser",
      requestStream: false,
      responseStream: false,
      requestDeserialize: (bytes: Buffer) => fromBinary(LookupUserRequestSchema, bytes),
      requestSerialize: (message: LookupUserRequest) =>
        Buffer.from(toBinary(LookupUserRequestSchema, message)),
      responseDeserialize: (bytes: Buffer) => fromBinary(LookupUserResponseSchema, bytes),
      responseSerialize: (message: LookupUserResponse) =>
        Buffer.from(toBinary(LookupUserResponseSchema, message)),
    };
    server.addService({ lookupUser: method }, { lookupUser: handle });
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    return `127.0.0.1:${port}`;
  },

  /** connect-node as its documentation serves it. */
  async "connect-node"() {
    const server = createServer(connectNodeAdapter({ routes }));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
};

const start = servers[process.argv[2] ?? ""];
if (start === undefined) throw new Error(`one of ${Object.keys(servers).join(", ")}`);
process.stderr.write(`${await start()}\n`);
