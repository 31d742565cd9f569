import { sql } from "slonik";
import type { MigrationStep } from "./migration-step.ts";

export const sessionCallers: readonly MigrationStep[] = [
  {
    // The caller that began the session. Empty for sessions that are older than this column: they belong to no
    // caller.
    id: "0017-session-callers/caller",
    statement: sql.unsafe`
      alter table sessions add column if not exists caller text not null default ''
    `,
  },
  {
    // How often the refresh token of the previous generation was reused within the leeway, as far as that is counted.
    id: "0017-session-callers/repeats",
    statement: sql.unsafe`
      alter table sessions add column if not exists repeats int8 not null default 0
    `,
  },
];
