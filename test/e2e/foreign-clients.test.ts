import {
  create,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { AuthenticationService } from "../../src/gen/auth/v1/authentication_service_pb.ts";
import { UserService } from "../../src/gen/auth/v1/user_service_pb.ts";
import { ErrorInfoSchema } from "../../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../src/gen/google/rpc/status_pb.ts";
import { password } from "../support/services.ts";
import { sharedService } from "../support/shared-service.ts";
import { shell } from "../support/shell.ts";
import { testWith } from "../support/tools.ts";

describe("clients that others wrote", () => {
  const shared = sharedService();

  test("@grpc/grpc-js: messages, metadata, status and its details", async () => {
    const client = new Client(shared.running.grpcAddress, credentials.createInsecure());
    const user = { username: "grpc-js", displayName: "grpc-js" };
    const created = await unary(client, UserService.method.createUser, { user, password });
    expect(created.user).toMatchObject(user);
    const wrong = unary(client, AuthenticationService.method.verifyPassword, {
      identifier: "grpc-js",
      password: "wrong",
    });
    const error: ServiceError = await wrong.then(
      () => expect.fail("it was right"),
      (reason) => reason,
    );
    expect(error.code).toBe(status.UNAUTHENTICATED);
    const [bytes] = error.metadata.get("grpc-status-details-bin");
    const { code, message, details } = fromBinary(StatusSchema, bytes as Buffer);
    expect({ code, message }).toEqual({ code: 16, message: "identifier or password is wrong" });
    expect(details.map((any) => anyUnpack(any, ErrorInfoSchema)).find(Boolean)).toMatchObject({
      reason: "CREDENTIALS_INVALID",
      domain: "auth",
    });
    client.close();
  });

  testWith("grpc-health-probe", "grpc_health_probe: process, readiness and each service", async () => {
    for (const name of ["", "readiness", "auth.v1.UserService", "auth.v1.AuthenticationService"]) {
      const result = await shell(`grpc-health-probe -addr=${shared.running.grpcAddress} -service='${name}'`);
      expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining("SERVING") });
    }
    const unknown = await shell(`grpc-health-probe -addr=${shared.running.grpcAddress} -service=nonsense`);
    expect(unknown.code).not.toBe(0);
  });

  testWith("grpcurl", "grpcurl: an error with its details, read by reflection", async () => {
    const result = await shell(
      `grpcurl -plaintext -d '{"id": "x"}' ${shared.running.grpcAddress} auth.v1.UserService/GetUser`,
    );
    expect(result.code).not.toBe(0);
    for (const text of ["InvalidArgument", '"reason": "INVALID_REQUEST"', '"field": "id"']) {
      expect(result.stderr).toContain(text);
    }
  });

  testWith("buf", "buf curl: over gRPC, gRPC-Web and Connect", async () => {
    const call = (options: string, url: string, name: string) =>
      shell(
        `buf curl ${options} -d '{"user": {"username": "${name}"}}' ${url}/auth.v1.UserService/CreateUser`,
      );
    const results = await Promise.all([
      call("--protocol grpc --http2-prior-knowledge", `http://${shared.running.grpcAddress}`, "by-grpc"),
      call("--schema proto --protocol grpcweb", shared.running.httpUrl, "by-grpc-web"),
      call("--schema proto --protocol connect", shared.running.httpUrl, "by-connect"),
    ]);
    for (const { code, stdout, stderr } of results) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain('"state": "STATE_ACTIVE"');
    }
  });
});

function unary<Method extends DescMethodUnary>(
  client: Client,
  { parent, name, input, output }: Method,
  request: MessageInitShape<Method["input"]>,
) {
  return new Promise<import("@bufbuild/protobuf").MessageShape<Method["output"]>>((resolve, reject) => {
    client.makeUnaryRequest(
      `/${parent.typeName}/${name}`,
      (message: MessageInitShape<Method["input"]>) => Buffer.from(toBinary(input, create(input, message))),
      (bytes: Buffer) => fromBinary(output, bytes) as never,
      request,
      new Metadata(),
      { deadline: Date.now() + 10_000 },
      (error, response) => (error ? reject(error) : resolve(response as never)),
    );
  });
}
