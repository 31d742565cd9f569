/** Names in code spans that belong to other software and do not occur in this tree. */
export const foreignNames: ReadonlySet<string> = new Set([
  // PostgreSQL and CockroachDB
  "crdb_internal_mvcc_timestamp",
  "pg_snapshot_xmin",
  "statement_timestamp()",
  "track_commit_timestamp",
  "EXPLAIN",
  // Linux
  "core_pattern",
  // npm, its packages, and what it installs
  "bcryptjs",
  "node_modules/.bin/node",
  "node_modules/.cache",
  // Go
  "x/text/secure/precis",
  // a media type that no protocol has
  "application/grpcfoo",
  // a parameter of imported hashes
  "pf",
]);
