/** The load of ImportUsers: so many streams at once, each of so many batches, by @grpc/grpc-js. Prints users/s. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import {
  ImportUsersRequestSchema,
  type ImportUsersResponse,
  ImportUsersResponseSchema,
} from "../../src/gen/auth/v1/user_transfer_service_pb.ts";
import { batchesOf, batchRows } from "./movers.ts";

const [address = "", round = "", streams = "1", batches = "20"] = process.argv.slice(2);
const path = "/auth.v1.UserTransferService/ImportUsers";
const client = new Client(address, credentials.createInsecure());

const prepared = Array.from({ length: Number(streams) }, (_, stream) =>
  batchesOf(`${round}-${stream}`, Number(batches)).map((users) =>
    Buffer.from(
      toBinary(
        ImportUsersRequestSchema,
        create(ImportUsersRequestSchema, {
          users: users.map(({ passwordHash, ...user }) => ({ user, passwordHash })),
        }),
      ),
    ),
  ),
);

function send(messages: readonly Buffer[]): Promise<ImportUsersResponse> {
  return new Promise((resolve, reject) => {
    const decode = (bytes: Buffer) => fromBinary(ImportUsersResponseSchema, bytes);
    const call = client.makeClientStreamRequest(
      path,
      (message: Buffer) => message,
      decode,
      (error, answer) => (answer === undefined ? reject(error) : resolve(answer)),
    );
    for (const message of messages) call.write(message);
    call.end();
  });
}

const startedAt = performance.now();
const answers = await Promise.all(prepared.map(send));
const seconds = (performance.now() - startedAt) / 1_000;
const users = prepared.flat().length * batchRows;
const imported = answers.flatMap(({ results }) => results).filter(({ result }) => result.case === "userId");
if (imported.length !== users) throw new Error(`${imported.length} of ${users} users were imported`);
process.stdout.write(JSON.stringify({ perSecond: users / seconds, users }));
client.close();
