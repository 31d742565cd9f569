import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { Authority, type Pair } from "./authority.ts";

export type { Pair } from "./authority.ts";

/** A fresh certificate for localhost and 127.0.0.1 that signs itself, for one day, with its key. */
export function selfSigned(commonName: string): Pair {
  return new Authority(commonName).pair;
}

/** A folder with `tls.crt` and `tls.key` for as long as the test runs. */
export class PairFolder {
  readonly path = mkdtempSync(join(tmpdir(), "auth-tls-"));
  readonly certFile = join(this.path, "tls.crt");
  readonly keyFile = join(this.path, "tls.key");

  constructor(pair?: Pair) {
    onTestFinished(() => rmSync(this.path, { recursive: true, force: true }));
    if (pair !== undefined) {
      this.write(pair);
    }
  }

  write({ cert, key }: Pair): void {
    writeFileSync(this.certFile, cert);
    writeFileSync(this.keyFile, key);
  }

  /** Puts new files in the place of the old ones. */
  rename({ cert, key }: Pair): void {
    writeFileSync(`${this.certFile}.new`, cert);
    writeFileSync(`${this.keyFile}.new`, key);
    renameSync(`${this.certFile}.new`, this.certFile);
    renameSync(`${this.keyFile}.new`, this.keyFile);
  }
}
