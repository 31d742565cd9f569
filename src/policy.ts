import { Policy, PolicyError } from "./domain/caller/policy.ts";
import { repeatedKeys } from "./infrastructure/files/repeated-keys.ts";
import {
  FileError,
  type Reload,
  readFiles,
  type WatchedFiles,
  watchFiles,
} from "./infrastructure/files/watched-files.ts";
import { methodNames } from "./interfaces/rpc/routes.ts";

/**
 * The policy in a file, kept up to date; undefined if there is no file.
 * @param audiences the audiences that the policy may name
 * @throws FileError with every fault of the policy
 */
export async function watchPolicy(
  file: string | undefined,
  audiences: ReadonlySet<string>,
  onReload: (outcome: Reload<Policy>) => void,
): Promise<WatchedFiles<Policy> | undefined> {
  if (file === undefined) return undefined;
  return watchFiles({ ...policyIn(file, audiences), onReload });
}

/** Reads the current policy from a file. @throws FileError with every fault of the policy */
export function readPolicyOnce(file: string, audiences: ReadonlySet<string>): Promise<Policy> {
  return readFiles(policyIn(file, audiences));
}

function policyIn(file: string, audiences: ReadonlySet<string>) {
  return {
    files: [file],
    make: ([content]: readonly Buffer[]) => parsePolicy(file, String(content), audiences),
  };
}

function parsePolicy(file: string, text: string, audiences: ReadonlySet<string>): Policy {
  try {
    const document: unknown = JSON.parse(text);
    const repeated = repeatedKeys(text);
    if (repeated.length > 0) {
      throw new PolicyError(repeated.map((path) => `duplicate key "${path}": remove all but one`));
    }
    return Policy.parse(document, { methods: methodNames, audiences });
  } catch (cause) {
    const faults = cause instanceof PolicyError ? cause.faults : ["not valid JSON"];
    const lines = [`invalid policy ${file}:`, ...faults.map((fault) => `  ${fault}`)];
    throw new FileError(lines.join("\n"), { cause });
  }
}
