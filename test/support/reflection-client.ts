import {
  type ClientDuplexStream,
  credentials,
  Metadata,
  makeClientConstructor,
  type Server,
  type ServiceClientConstructor,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { onTestFinished } from "vitest";

export interface ReflectionAnswer {
  readonly messageResponse: string;
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Uint8Array[] };
  readonly allExtensionNumbersResponse?: { readonly extensionNumber: readonly number[] };
  readonly errorResponse?: { readonly errorCode: number; readonly errorMessage: string };
}

/** The official definitions, which @grpc/reflection gives to a server only. */
function definitionOf(version: "v1" | "v1alpha"): ServiceDefinition {
  const definitions: ServiceDefinition[] = [];
  new ReflectionService({}).addToServer({
    addService: (definition: ServiceDefinition) => definitions.push(definition),
  } as unknown as Server);
  const prefix = `/grpc.reflection.${version}.`;
  const found = definitions.find((each) => Object.values(each)[0]?.path.startsWith(prefix));
  if (found === undefined) {
    throw new Error(`@grpc/reflection has no ${version}`);
  }
  return found;
}

/** A client of server reflection, made from the official definition. */
export class ReflectionClient {
  private readonly stub: InstanceType<ServiceClientConstructor>;

  constructor(address: string, version: "v1" | "v1alpha") {
    const Stub = makeClientConstructor(definitionOf(version), "ServerReflection");
    this.stub = new Stub(address, credentials.createInsecure());
    onTestFinished(() => this.stub.close());
  }

  open(headers: Readonly<Record<string, string>> = {}): ClientDuplexStream<object, ReflectionAnswer> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const stream = this.stub["ServerReflectionInfo"]?.(metadata);
    stream.on("error", () => {});
    return stream;
  }

  ask(...questions: readonly object[]): Promise<ReflectionAnswer[]> {
    const stream = this.open();
    const answers: ReflectionAnswer[] = [];
    stream.on("data", (answer) => answers.push(answer));
    for (const question of questions) {
      stream.write(question);
    }
    stream.end();
    return new Promise((resolve) => stream.on("status", () => resolve(answers)));
  }

  async list(): Promise<string[]> {
    const [answer] = await this.ask({ listServices: "" });
    return answer?.listServicesResponse?.service.map((service) => service.name) ?? [];
  }

  async files(question: object): Promise<readonly Uint8Array[]> {
    const [answer] = await this.ask(question);
    // This definition decodes bytes as arrays of numbers.
    return (answer?.fileDescriptorResponse?.fileDescriptorProto ?? []).map((file) => Uint8Array.from(file));
  }

  async extensionNumbers(typeName: string): Promise<readonly number[]> {
    const [answer] = await this.ask({ allExtensionNumbersOfType: typeName });
    return answer?.allExtensionNumbersResponse?.extensionNumber ?? [];
  }
}
