import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { runLoop } from "../../../../src/infrastructure/crypto/password-hashes/loops/loop-threads.ts";
import { readPasswordHash } from "../../../../src/infrastructure/crypto/password-hashes/read-password-hash.ts";
import { shell } from "../../../support/shell.ts";

const salt = Buffer.from("saltstring");
const sha512Crypt = (rounds: number) => ({ loop: "sha-crypt", digest: "sha512", salt, rounds }) as const;

test("calls are answered while a loop runs", async () => {
  await runLoop(sha512Crypt(1_000), Buffer.from("the thread starts"));
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  // It begins to look with the next turn.
  await setTimeout(50);
  const startedAt = performance.now();
  await runLoop(sha512Crypt(300_000), Buffer.from("password"));
  const tookMs = performance.now() - startedAt;
  delay.disable();
  expect(tookMs).toBeGreaterThan(150);
  expect(delay.max / 1e6).toBeLessThan(tookMs / 2);
  expect(delay.count).toBeGreaterThan(10);
});

test("loops run at once, each with its own password", async () => {
  const passwords = ["a", "b", "c", "d"].map((text) => Buffer.from(text));
  const alone = [];
  for (const password of passwords) alone.push(await runLoop(sha512Crypt(2_000), password));
  const together = await Promise.all(passwords.map((password) => runLoop(sha512Crypt(2_000), password)));
  expect(together).toEqual(alone);
  expect(new Set(together.map((digest) => Buffer.from(digest).toString("hex"))).size).toBe(4);
});

test("a thread that fails is one failed check, and the next has another", async () => {
  const broken = { loop: "phpass", digest: "no such digest", salt, rounds: 1 } as unknown as ReturnType<
    typeof sha512Crypt
  >;
  await expect(runLoop(broken, Buffer.from("password"))).rejects.toThrow("A thread that hashes has failed.");
  expect(await runLoop(sha512Crypt(1_000), Buffer.from("password"))).toHaveLength(64);
});

// A password goes into each round: 256 bytes of it at most, so that rounds are all that a loop's time depends on.
test("a password of more than 256 bytes is none of a loop's", async () => {
  // Made by crypt(3) of libxcrypt 4.4.33.
  const of256 = "$5$rounds=1000$saltstring$Ldi2.lyt9OTMDpN.e67.M.stTlmxMJxfBTUBMiPYVp6";
  const of257 = "$5$rounds=1000$saltstring$btHngy0.POmCFZ3kwmOo08oaTGNIqn/Yd8d2/Rvx6FA";
  const matches = (hash: string, length: number) =>
    readPasswordHash(hash).matches(Buffer.from("y".repeat(length)));
  expect(await matches(of256, 256)).toBe(true);
  expect(await matches(of256, 257)).toBe(false);
  expect(await matches(of257, 257)).toBe(false);
});

test("a process ends by itself while threads wait, and not while one works", async () => {
  const script = `
    const { readPasswordHash } = await import("./src/infrastructure/crypto/password-hashes/read-password-hash.ts");
    const hash = readPasswordHash("$1$28772684$iEwNOgGugqO9.bIz5sk8k/");
    console.log(await hash.matches(Buffer.from("hashcat")));
  `;
  const { code, stdout } = await shell(`node --input-type=module --eval '${script}'`);
  expect([code, stdout]).toEqual([0, "true\n"]);
});
