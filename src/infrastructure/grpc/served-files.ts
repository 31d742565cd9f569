import {
  createRegistry,
  type DescExtension,
  type DescFile,
  type DescService,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { file_google_rpc_error_details } from "../../gen/google/rpc/error_details_pb.ts";

/** Serialised file descriptors for reflection, found by file name, symbol or extension. */
export class ServedFiles {
  private readonly files = new Map<string, DescFile>();
  private readonly serialised = new Map<DescFile, Uint8Array>();
  private readonly registry: Registry;

  /** @param services whose files are served, with everything that they import */
  constructor(services: readonly DescService[]) {
    this.add(file_google_rpc_error_details);
    for (const { file } of services) {
      this.add(file);
    }
    this.registry = createRegistry(...this.files.values());
  }

  /** The file with that name, such as "auth/v1/user.proto", and everything that it imports. */
  byName(name: string): readonly Uint8Array[] | undefined {
    return this.withImports(this.files.get(name));
  }

  /** @param symbol full name of a type, or of a method, field or enum value of a type */
  bySymbol(symbol: string): readonly Uint8Array[] | undefined {
    const desc = this.registry.get(symbol) ?? this.registry.get(symbol.slice(0, symbol.lastIndexOf(".")));
    return this.withImports(desc?.file);
  }

  byExtension(typeName: string, number: number): readonly Uint8Array[] | undefined {
    const extendee = this.registry.getMessage(typeName);
    return extendee && this.withImports(this.registry.getExtensionFor(extendee, number)?.file);
  }

  /** The numbers of all extensions of a message, or undefined if there is no such message. */
  extensionsOf(typeName: string): readonly number[] | undefined {
    if (this.registry.getMessage(typeName) === undefined) {
      return undefined;
    }
    return [...this.registry]
      .filter((desc): desc is DescExtension => desc.kind === "extension")
      .filter((extension) => extension.extendee.typeName === typeName)
      .map((extension) => extension.number);
  }

  private add(file: DescFile): void {
    if (!this.files.has(file.proto.name)) {
      this.files.set(file.proto.name, file);
      this.serialised.set(file, toBinary(FileDescriptorProtoSchema, file.proto));
      file.dependencies.forEach(this.add, this);
    }
  }

  /**
   * A file and everything that it imports, so that a client need not ask again. The types of error details are always
   * included: files do not import the types of their errors' details, but clients need them to decode the details.
   */
  private withImports(file: DescFile | undefined): readonly Uint8Array[] | undefined {
    if (file === undefined) {
      return undefined;
    }
    const found = new Set<DescFile>([file, file_google_rpc_error_details]);
    for (const each of found) {
      for (const dependency of each.dependencies) {
        found.add(dependency);
      }
    }
    return [...found].flatMap((each) => this.serialised.get(each) ?? []);
  }
}
