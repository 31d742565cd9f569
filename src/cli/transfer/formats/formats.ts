import { UsageError } from "../../usage-error.ts";
import type { Layout } from "../files/layout.ts";
import { auth0User } from "./auth0.ts";
import { firebaseUser, readFirebaseParameters } from "./firebase.ts";
import type { ForeignRow, ReadOptions } from "./foreign.ts";
import type { FormatName } from "./format-names.ts";
import { keycloakUser } from "./keycloak.ts";
import { kratosIdentity } from "./kratos.ts";
import { csvRecord, ownRecord } from "./plain.ts";

/** How to read a file. */
export interface Format {
  readonly layout: Layout;
  /** Reads a row. @throws DomainError whose message does not contain any part of a password hash */
  readonly read: (value: unknown, options: ReadOptions) => ForeignRow;
}

/** @throws UsageError if Firebase's parameters are missing; StartError if their file is not usable */
export async function formatOf(name: FormatName, firebaseParameters: string | undefined): Promise<Format> {
  switch (name) {
    case "json":
      return { layout: { kind: "json", key: "users", lines: true }, read: ownRecord };
    case "csv":
      return { layout: { kind: "csv" }, read: csvRecord };
    case "keycloak":
      return {
        layout: { kind: "json", key: "users", lines: false, holderKey: "realm" },
        read: keycloakUser,
      };
    case "kratos":
      return { layout: { kind: "json", key: "identities", lines: true }, read: kratosIdentity };
    case "auth0":
      return { layout: { kind: "json", key: "users", lines: true }, read: auth0User };
    case "firebase": {
      if (firebaseParameters === undefined) throw new UsageError("--firebase-parameters is required");
      const read = firebaseUser(await readFirebaseParameters(firebaseParameters));
      return { layout: { kind: "json", key: "users", lines: false }, read };
    }
  }
}
