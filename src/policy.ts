import { Policy, PolicyError } from "./domain/caller/policy.ts";
import {
  FileError,
  type Reload,
  readFiles,
  type WatchedFiles,
  watchFiles,
} from "./infrastructure/watched-files.ts";
import { methodNames } from "./interfaces/rpc/routes.ts";

/**
 * The policy of a file, kept up to date; undefined where there is no file.
 * @throws FileError with every fault of it
 */
export async function watchPolicy(
  file: string | undefined,
  onReload: (outcome: Reload<Policy>) => void,
): Promise<WatchedFiles<Policy> | undefined> {
  if (file === undefined) return undefined;
  return watchFiles({ ...policyIn(file), onReload });
}

/** Reads the policy of a file, as it is now. @throws FileError with every fault of it */
export function readPolicyOnce(file: string): Promise<Policy> {
  return readFiles(policyIn(file));
}

function policyIn(file: string) {
  return {
    files: [file],
    make: ([content]: readonly Buffer[]) => parsePolicy(file, String(content)),
  };
}

function parsePolicy(file: string, text: string): Policy {
  try {
    return Policy.parse(JSON.parse(text), methodNames);
  } catch (cause) {
    const faults = cause instanceof PolicyError ? cause.faults : ["it is no JSON"];
    const lines = [`The policy ${file} has faults:`, ...faults.map((fault) => `  ${fault}`)];
    throw new FileError(lines.join("\n"), { cause });
  }
}
