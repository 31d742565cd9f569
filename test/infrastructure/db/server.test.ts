import { expect, test } from "vitest";
import { parseVersion } from "../../../src/infrastructure/db/server.ts";

test.each([
  ["PostgreSQL 18.4 on x86_64-pc-linux-gnu, compiled by gcc", { dialect: "postgresql", version: "18.4" }],
  ["PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64", { dialect: "postgresql", version: "15.18" }],
  ["PostgreSQL 19beta1 on x86_64", { dialect: "postgresql", version: "19.0" }],
  [
    "CockroachDB CCL v25.2.1 (x86_64-pc-linux-gnu, built 2025/06/16, go1.23.7)",
    { dialect: "cockroachdb", version: "25.2" },
  ],
  ["CockroachDB OSS v24.1.0 (x86_64-apple-darwin19)", { dialect: "cockroachdb", version: "24.1" }],
  ["YugabyteDB 2.20", undefined],
  ["", undefined],
])("%s", (version, server) => {
  expect(parseVersion(version)).toEqual(server);
});
