import { readFile } from "node:fs/promises";
import { StartError } from "../../infrastructure/start-error.ts";
import { unreadable } from "./file-rows.ts";
import {
  attributesOf,
  type ForeignRow,
  identifiers,
  objectAt,
  type ReadOptions,
  suspensionIf,
  textAt,
  timeAt,
} from "./foreign.ts";

/** What a Firebase project hashes passwords with. The signer key is its secret. */
export interface FirebaseParameters {
  readonly signerKey: string;
  readonly saltSeparator: string;
  readonly rounds: string;
  readonly memoryCost: string;
}

/**
 * Reads a project's parameters from a file: `hash_config { … }` as the console shows them, or the same names in JSON.
 * @throws StartError
 */
export async function readFirebaseParameters(path: string): Promise<FirebaseParameters> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const value = (name: string) => {
    const found = new RegExp(`"?\\b${name}"?\\s*:\\s*"?([A-Za-z0-9+/=]+)`).exec(text)?.[1];
    if (found === undefined) throw new StartError(`${path} does not say ${name}.`);
    return found;
  };
  return {
    signerKey: value("base64_signer_key"),
    saltSeparator: value("base64_salt_separator"),
    rounds: value("rounds"),
    memoryCost: value("mem_cost"),
  };
}

/** A user of `firebase auth:export`. Its id, which is no UUID, becomes the attribute `firebase_uid`. */
export function firebaseUser(project: FirebaseParameters) {
  return (value: unknown, options: ReadOptions): ForeignRow => {
    const user = objectAt(value);
    const [uid, hash, salt] = [textAt(user, "localId"), textAt(user, "passwordHash"), textAt(user, "salt")];
    const { signerKey, saltSeparator, rounds, memoryCost } = project;
    const costs = `ln=${memoryCost},r=${rounds},p=1`;
    return {
      record: {
        user: {
          ...identifiers(textAt(user, "email"), ""),
          displayName: textAt(user, "displayName"),
          attributes: {
            ...attributesOf(claimsOf(textAt(user, "customAttributes"), options), options),
            ...(uid === "" ? {} : { firebase_uid: uid }),
          },
          createTime: timeAt(user, "createdAt"),
          ...suspensionIf(user["disabled"] === true, "disabled in Firebase"),
        },
        passwordHash:
          hash === ""
            ? ""
            : `$firescrypt$${costs}$${plain(salt)}$${plain(hash)}$${saltSeparator}$${signerKey}`,
      },
    };
  };
}

/** Custom claims are JSON in a text. */
function claimsOf(text: string, { withAttributes }: ReadOptions): unknown {
  if (!withAttributes || text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Some releases write base64 for URLs. */
function plain(base64: string): string {
  return base64.replaceAll("-", "+").replaceAll("_", "/");
}
