import { once } from "node:events";
import type { DescService } from "@bufbuild/protobuf";
import {
  type Server,
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import type { Peer } from "../../domain/caller/peer.ts";
import { peerOfStream } from "./grpc-js-internals.ts";
import { errorStatus } from "./grpc-status.ts";
import { ServedFiles } from "./served-files.ts";

/** A ServerReflectionRequest as the definition in @grpc/reflection decodes it. */
interface ReflectionRequest {
  readonly host?: string;
  readonly messageRequest?: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly fileContainingExtension?: { readonly containingType?: string; readonly extensionNumber?: number };
  readonly allExtensionNumbersOfType?: string;
}

type ReflectionStream = ServerDuplexStream<ReflectionRequest, object>;

export interface ReflectionOptions {
  /** Authorises each stream. If absent, every caller that can connect may use reflection. */
  readonly guard?: ReflectionGuard | undefined;
}

/**
 * Admits the caller of a stream, and calls `end` with an error when the caller may no longer use reflection. Dispose of
 * the result when the stream has ended.
 * @throws the error to end the stream with
 */
export type ReflectionGuard = (
  peer: Peer,
  header: (name: string) => string | null,
  end: (error: unknown) => void,
) => Promise<Disposable>;

/** The running reflection service. */
export interface Reflection {
  /** Ends all open streams; a drain would otherwise wait for them. */
  shutDown(): void;
}

/**
 * Serves reflection (grpc.reflection.v1 and v1alpha) for these services from their generated descriptors: none of our
 * .proto files is needed at run time.
 *
 * Only the definitions of the two services come from @grpc/reflection. Its answers are not used: it decodes and
 * re-encodes descriptors with protobufjs, which drops every custom option (the rules of buf.validate, field behaviour),
 * and it omits imports that only options use.
 */
export function addReflection(
  server: Server,
  services: readonly DescService[],
  { guard }: ReflectionOptions,
): Reflection {
  const definitions: ServiceDefinition[] = [];
  new ReflectionService({}).addToServer({
    addService: (definition: ServiceDefinition) => definitions.push(definition),
  } as unknown as Server);

  const names = services.map((service) => service.typeName);
  const answer = answerFrom(names, new ServedFiles(services));
  const streams = new Set<ReflectionStream>();
  const serveStream = (stream: ReflectionStream) => {
    streams.add(stream);
    stream.once("close", () => streams.delete(stream));
    void serve(stream, answer, guard);
  };
  for (const definition of definitions) {
    const implementation = { ServerReflectionInfo: serveStream };
    server.addService(definition, implementation as unknown as UntypedServiceImplementation);
  }
  return {
    shutDown() {
      for (const stream of streams) {
        stream.end();
      }
    },
  };
}

/** Sends one answer per request, and waits while the caller does not read. */
async function serve(
  stream: ReflectionStream,
  answer: (request: ReflectionRequest) => object,
  guard: ReflectionGuard | undefined,
): Promise<void> {
  const end = (error: unknown) => void stream.emit("error", errorStatus(error));
  try {
    const header = (name: string) => stream.metadata.get(name)[0]?.toString() ?? null;
    const guarded = await guard?.(peerOfStream(stream), header, end);
    stream.once("close", () => guarded?.[Symbol.dispose]());
    if (stream.destroyed) guarded?.[Symbol.dispose]();
  } catch (error) {
    end(error);
    return;
  }
  try {
    for await (const request of stream.iterator({ destroyOnReturn: false })) {
      if (!stream.write(answer(request as ReflectionRequest))) {
        await Promise.race([once(stream, "drain"), once(stream, "close")]);
      }
    }
    stream.end();
  } catch {
    // The caller has disconnected.
  }
}

function answerFrom(names: readonly string[], files: ServedFiles): (request: ReflectionRequest) => object {
  return (request) => ({ validHost: request.host, originalRequest: request, ...find(request, names, files) });
}

function find(request: ReflectionRequest, names: readonly string[], files: ServedFiles): object {
  switch (request.messageRequest) {
    case "listServices":
      return { listServicesResponse: { service: names.map((name) => ({ name })) } };
    case "fileByFilename":
      return asFiles(files.byName(request.fileByFilename ?? ""));
    case "fileContainingSymbol":
      return asFiles(files.bySymbol(request.fileContainingSymbol ?? ""));
    case "fileContainingExtension": {
      const { containingType = "", extensionNumber = 0 } = request.fileContainingExtension ?? {};
      return asFiles(files.byExtension(containingType, extensionNumber));
    }
    case "allExtensionNumbersOfType": {
      const baseTypeName = request.allExtensionNumbersOfType ?? "";
      const extensionNumber = files.extensionsOf(baseTypeName);
      return extensionNumber === undefined
        ? notFound
        : { allExtensionNumbersResponse: { baseTypeName, extensionNumber } };
    }
    default:
      return { errorResponse: { errorCode: status.UNIMPLEMENTED, errorMessage: "unknown request" } };
  }
}

function asFiles(fileDescriptorProto: readonly Uint8Array[] | undefined): object {
  return fileDescriptorProto === undefined ? notFound : { fileDescriptorResponse: { fileDescriptorProto } };
}

const notFound = { errorResponse: { errorCode: status.NOT_FOUND, errorMessage: "not found" } };
