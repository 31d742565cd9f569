import { createHash, createHmac, randomBytes, randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import { HmacServiceAccountKeys } from "../../../src/infrastructure/crypto/hmac-service-account-keys.ts";

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function keyOf(bytes: Buffer): string {
  let number = BigInt(`0x${bytes.toString("hex")}`);
  let text = "";
  for (; text.length < 70; number /= 62n) text = digits.charAt(Number(number % 62n)) + text;
  return `auth_sa_${text}`;
}

function randomText(): string {
  return Array.from(randomBytes(70), (byte) => digits.charAt(byte % 62)).join("");
}

/** A key with one character changed. */
function altered(key: string): string {
  const place = "auth_sa_".length + ((randomBytes(1)[0] ?? 0) % 70);
  const others = digits.replace(key[place] ?? "", "");
  return key.slice(0, place) + others.charAt((randomBytes(1)[0] ?? 0) % others.length) + key.slice(place + 1);
}

function crcOf(body: Buffer): Buffer {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return checksum;
}

/** Keys as an attacker makes them who has the source and some valid keys, but not the secret. */
export function* forgedKeys(keys: HmacServiceAccountKeys, count: number): Generator<string> {
  const valid = Array.from({ length: 20 }, () => keys.make(randomUUID()).text);
  const guessed = [Buffer.alloc(32), randomBytes(32)].map((pepper) => new HmacServiceAccountKeys(pepper));
  const purpose = "auth/service-account-key-checksum/1\0";
  const forgeries: ((i: number) => string)[] = [
    () => `auth_sa_${randomText()}`,
    () => keyOf(randomBytes(52)),
    (i) => altered(valid[i % valid.length] ?? ""),
    // Another key's checksum.
    (i) => {
      const [one = "", other = ""] = [valid[i % valid.length], valid[(i + 1) % valid.length]];
      return one.slice(0, 60) + other.slice(60);
    },
    (i) => guessed[i % guessed.length]?.make(randomUUID()).text ?? "",
    // The format before, with a CRC.
    () => {
      const body = randomBytes(48);
      return keyOf(Buffer.concat([body, crcOf(body)]));
    },
    () => {
      const body = randomBytes(44);
      return keyOf(Buffer.concat([body, crcOf(body), Buffer.alloc(4)]));
    },
    () => {
      const body = randomBytes(44);
      return keyOf(
        Buffer.concat([body, createHash("sha256").update(purpose).update(body).digest().subarray(0, 8)]),
      );
    },
    () => {
      const body = randomBytes(44);
      return keyOf(
        Buffer.concat([body, createHmac("sha256", "").update(purpose).update(body).digest().subarray(0, 8)]),
      );
    },
    () => {
      const body = randomBytes(44);
      const hmac = createHmac("sha256", body.subarray(16)).update(purpose).update(body).digest();
      return keyOf(Buffer.concat([body, hmac.subarray(0, 8)]));
    },
  ];
  for (let i = 0; i < count; i++)
    yield forgeries[i % forgeries.length]?.(Math.floor(i / forgeries.length)) ?? "";
}
