import { sql } from "slonik";
import type { MigrationStep } from "./migration-step.ts";

export const revokedSigningKeys: readonly MigrationStep[] = [
  {
    // Rows of revoked keys are kept for a while, so that every replica learns of the revocation.
    id: "0013-revoked-signing-keys/column",
    statement: sql.unsafe`
      alter table signing_keys add column if not exists revoke_time timestamptz(3)
    `,
  },
];
