import {
  create,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";

/**
 * All that gRPC itself offers a client to get over a server that goes: it balances over its addresses and makes a call
 * again that was UNAVAILABLE. (@grpc/grpc-js has no client-side health checks.)
 */
const serviceConfig = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 4,
        initialBackoff: "0.05s",
        maxBackoff: "1s",
        backoffMultiplier: 2,
        retryableStatusCodes: [status[status.UNAVAILABLE]],
      },
    },
  ],
};

/** A client of @grpc/grpc-js on several instances of the service. */
export class BalancedClient implements Disposable {
  readonly #client: Client;

  constructor(addresses: readonly string[], { retries = true } = {}) {
    this.#client = new Client(`ipv4:${addresses.join(",")}`, credentials.createInsecure(), {
      "grpc.service_config": JSON.stringify(retries ? serviceConfig : {}),
      "grpc.enable_retries": retries ? 1 : 0,
      // An instance is back after a second or two, and so should be its connection.
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 500,
    });
  }

  /** Makes a call with a deadline. Answers undefined where it went well, else what came. */
  call<Method extends DescMethodUnary>(
    method: Method,
    request: MessageInitShape<Method["input"]>,
    timeoutMs: number,
  ): Promise<ServiceError | undefined> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        `/${method.parent.typeName}/${method.name}`,
        (message: MessageInitShape<Method["input"]>) =>
          Buffer.from(toBinary(method.input, create(method.input, message))),
        (bytes) => fromBinary(method.output, bytes),
        request,
        { deadline: Date.now() + timeoutMs },
        (error) => resolve(error ?? undefined),
      );
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
