import { users } from "./0001-users.ts";
import { credentials } from "./0002-credentials.ts";
import { requests } from "./0003-requests.ts";
import { sharedSecrets } from "./0004-shared-secrets.ts";
import { usersByState } from "./0005-users-by-state.ts";
import { sessions } from "./0006-sessions.ts";
import { signingKeys } from "./0007-signing-keys.ts";
import { serviceAccounts } from "./0008-service-accounts.ts";
import { events } from "./0009-events.ts";
import { attempts } from "./0010-attempts.ts";
import { importDigests } from "./0011-import-digests.ts";
import { attributeKeys } from "./0012-attribute-keys.ts";
import { revokedSigningKeys } from "./0013-revoked-signing-keys.ts";
import { devices } from "./0014-devices.ts";
import { keyCreators } from "./0015-key-creators.ts";
import { sessionEpochs } from "./0016-session-epochs.ts";
import { sessionCallers } from "./0017-session-callers.ts";
import type { MigrationStep } from "./migration-step.ts";

/**
 * Every step, in order. Expand and contract only: a step never removes anything that the previous release still uses.
 */
export const allMigrations: readonly MigrationStep[] = [
  ...users,
  ...credentials,
  ...requests,
  ...sharedSecrets,
  ...usersByState,
  ...sessions,
  ...signingKeys,
  ...serviceAccounts,
  ...events,
  ...attempts,
  ...importDigests,
  ...attributeKeys,
  ...revokedSigningKeys,
  ...devices,
  ...keyCreators,
  ...sessionEpochs,
  ...sessionCallers,
];
