import { join } from "node:path";
import type { Tool } from "../support/tools.ts";

const here = import.meta.dirname;

/** A gRPC client in another language, built or installed for these tests. */
export interface ClientProgram {
  readonly tool: Tool;
  /** The command line, without arguments. */
  readonly command: string;
}

const goClient = join(here, ".tools/go-client");
const javaClient = join(here, "java/target/java-client.jar");

export const grpcGo: ClientProgram = {
  tool: { name: "grpc-go client", check: `test -x '${goClient}'`, install: "test/clients/install go" },
  command: `'${goClient}'`,
};

/** On Netty. */
export const grpcJava: ClientProgram = {
  tool: {
    name: "grpc-java client",
    check: `command -v java && test -f '${javaClient}'`,
    install: "test/clients/install java",
  },
  command: `java -jar '${javaClient}'`,
};

/** On gRPC's C core. */
export const grpcio: ClientProgram = {
  tool: {
    name: "Debian's python3-grpcio",
    check: "/usr/bin/python3 -c 'import grpc, google.protobuf'",
    install: "apt-get install python3-grpcio",
  },
  command: `/usr/bin/python3 '${join(here, "python_client.py")}'`,
};
