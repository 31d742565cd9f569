import { queries } from "./queries.ts";
import { refusedSyntax } from "./refused-syntax.ts";
import type { Rule } from "./rule.ts";
import { schemaChanges } from "./schema-changes.ts";

/** Every rule that a statement must keep to run alike on CockroachDB and on PostgreSQL. */
export const allRules: readonly Rule[] = [...refusedSyntax, ...schemaChanges, ...queries];
