import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/**
 * A fresh certificate for localhost and 127.0.0.1 that signs itself, for one day, with its key. Made here, because Node
 * can read certificates and not write them, and a key that lies in a repository is found by everybody who looks for one.
 */
export function selfSigned(commonName: string): Pair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const tbs = toBeSigned(commonName, publicKey);
  const signature = sign("sha256", tbs, privateKey);
  const cert = sequence(tbs, ecdsaWithSha256, bitString(signature));
  return {
    cert: pem("CERTIFICATE", cert),
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
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

/** RFC 5280, section 4.1. */
function toBeSigned(commonName: string, publicKey: KeyObject): Buffer {
  const name = sequence(tagged(0x31, sequence(oid.commonName, tagged(0x0c, Buffer.from(commonName)))));
  const now = Date.now();
  const validity = sequence(time(now - 3_600_000), time(now + 86_400_000));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const version3 = tagged(0xa0, integer(2));
  const names = [tagged(0x82, Buffer.from("localhost")), tagged(0x87, Buffer.of(127, 0, 0, 1))];
  const extensions = sequence(
    sequence(oid.basicConstraints, yes, tagged(0x04, sequence(yes))),
    sequence(oid.subjectAltName, tagged(0x04, sequence(...names))),
  );
  const serial = tagged(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)]));
  return sequence(version3, serial, ecdsaWithSha256, name, validity, name, spki, tagged(0xa3, extensions));
}

const oid = {
  commonName: Buffer.from("0603550403", "hex"),
  basicConstraints: Buffer.from("0603551d13", "hex"),
  subjectAltName: Buffer.from("0603551d11", "hex"),
};
const ecdsaWithSha256 = Buffer.from("300a06082a8648ce3d040302", "hex");
const yes = Buffer.from("0101ff", "hex");

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(value: number): Buffer {
  return tagged(0x02, Buffer.of(value));
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(0), bytes]));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return tagged(0x18, Buffer.from(digits));
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").replaceAll(/(.{64})/g, "$1\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
