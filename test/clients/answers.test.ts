import { join } from "node:path";
import { describe, expect } from "vitest";
import { temporaryFolder } from "../support/service.ts";
import { sharedService } from "../support/shared-service.ts";
import { shell } from "../support/shell.ts";
import { testWith } from "../support/tools.ts";
import { type ClientProgram, grpcGo, grpcio, grpcJava } from "./client-programs.ts";

describe("each kind of answer, as other implementations of gRPC read it", () => {
  const shared = sharedService();

  const answersTo = async ({ command }: ClientProgram, args: string) => {
    const { code, stdout, stderr } = await shell(`${command} ${args}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  };

  /** The correct output of a client that creates the user `username`. */
  const expected = (username: string) => ({
    created: username,
    verified: username,
    wrong: {
      code: "UNAUTHENTICATED",
      message: "identifier or password is wrong",
      reason: "CREDENTIALS_INVALID",
    },
    // Every id of a large batch is invalid, and the client limits the size of metadata.
    invalid: {
      code: "INVALID_ARGUMENT",
      message: expect.any(String),
      reason: "INVALID_REQUEST",
      fields: ["keys[0].id", "keys[1].id"],
    },
    // A deadline of 1 ms.
    late: "DEADLINE_EXCEEDED",
    // A deadline of UINT32_MAX ms, which grpc-java sends as 4294967S.
    patient: "OK",
    health: "SERVING",
  });

  testWith(grpcGo.tool, "grpc-go", async () => {
    expect(await answersTo(grpcGo, `answers ${shared.running.grpcAddress}`)).toEqual(expected("go"));
  });

  testWith(grpcJava.tool, "grpc-java on Netty", async () => {
    expect(await answersTo(grpcJava, `answers ${shared.running.grpcAddress}`)).toEqual(expected("java"));
  });

  testWith(grpcio.tool, "grpcio on C core", async () => {
    await using folder = await temporaryFolder();
    const descriptors = join(folder.path, "auth.binpb");
    await shell(`buf build --as-file-descriptor-set -o '${descriptors}'`);
    const args = `'${descriptors}' ${shared.running.grpcAddress}`;
    expect(await answersTo(grpcio, args)).toEqual(expected("python"));
  });
});
