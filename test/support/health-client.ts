import {
  type ChannelCredentials,
  credentials,
  makeClientConstructor,
  type ServiceClientConstructor,
  type ServiceDefinition,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";
import { service } from "grpc-health-check";
import { onTestFinished } from "vitest";

interface Answer {
  readonly status: string;
}

/** A client of grpc.health.v1.Health, made from the official definition. */
export class HealthClient {
  private readonly stub: InstanceType<ServiceClientConstructor>;

  constructor(address: string, creds: ChannelCredentials = credentials.createInsecure()) {
    const Stub = makeClientConstructor(service as unknown as ServiceDefinition, "Health");
    this.stub = new Stub(address, creds);
    onTestFinished(() => this.stub.close());
  }

  check(service: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.stub["Check"]?.({ service }, (error: ServiceError | null, answer: Answer) =>
        error ? reject(error) : resolve(answer.status),
      );
    });
  }

  list(): Promise<Record<string, Answer>> {
    return new Promise((resolve, reject) => {
      this.stub["List"]?.({}, (error: ServiceError | null, answer: { statuses: Record<string, Answer> }) =>
        error ? reject(error) : resolve(answer.statuses),
      );
    });
  }

  watch(service: string): { statuses: string[]; ended: Promise<StatusObject>; cancel(): void } {
    const call = this.stub["Watch"]?.({ service });
    const statuses: string[] = [];
    call.on("data", (answer: Answer) => statuses.push(answer.status));
    call.on("error", () => {});
    return {
      statuses,
      ended: new Promise((resolve) => call.on("status", resolve)),
      cancel: () => call.cancel(),
    };
  }
}
