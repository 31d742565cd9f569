import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { serviceDescriptors } from "../../src/interfaces/rpc/routes.ts";
import { aCall } from "../support/calls.ts";
import { InMemoryRepository } from "../support/in-memory-repository.ts";
import { type RpcClients, rpcOn } from "../support/rpc.ts";
import { audience, password, servicesOn } from "../support/services.ts";
import { stress } from "../support/stress.ts";
import {
  answerTo,
  authenticate,
  changePassword,
  client,
  type Guess,
  newTarget,
  nobody,
  type Target,
  verifyByEmail,
  verifyPassword,
  verifySpelledOtherwise,
} from "./guesses.ts";
import { foundSecretFields, proofs, secretFields } from "./secret-fields.ts";

const free = 10;

describe("every secret that a request can hold", () => {
  test("is known as a proof, as something new or as a token, and none is in the table that is not in the API", () => {
    expect(foundSecretFields().sort()).toEqual(Object.keys(secretFields).sort());
  });

  test("that is a proof has a guess that is right with the right secret, and wrong with another", async () => {
    const { rpc } = await anApi();
    for (const [field, guess] of proofs) {
      const target = await newTarget(rpc);
      expect([field, (await answerTo(guess(rpc, target))).reason]).toEqual([field, "CREDENTIALS_INVALID"]);
      expect([field, (await answerTo(guess(rpc, target, password))).reason]).toEqual([field, "OK"]);
    }
  });

  test("that is a proof is of a method whose manual names TOO_MANY_ATTEMPTS", async () => {
    const manual = (
      await Promise.all(
        serviceDescriptors.map(({ file }) =>
          readFile(`${import.meta.dirname}/../../proto/${file.proto.name}`, "utf8"),
        ),
      )
    ).join("\n");
    for (const [field] of proofs) {
      const [, method] = /\/(\w+):/.exec(field) ?? [];
      const [, comment] = new RegExp(`((?:  //[^\\n]*\\n)+)  rpc ${method}\\(`).exec(manual) ?? [];
      expect([field, comment]).toEqual([field, expect.stringContaining("(TOO_MANY_ATTEMPTS)")]);
    }
  });
});

describe("ten failures by whatever mixture of methods", () => {
  // One name that nobody has is nobody else's other name.
  const ofNobody = [
    [verifyPassword, authenticate],
    [verifyByEmail, verifySpelledOtherwise],
    [changePassword],
  ];

  test("close all of them to a user, also for who is right", { timeout: 600_000 }, async () => {
    await closeAll(
      newTarget,
      proofs.map(([, guess]) => guess),
      stress(50, 2_000),
    );
  });

  test("close all of them to a name that nobody has", { timeout: 600_000 }, async () => {
    expect(new Set(ofNobody.flat())).toEqual(new Set(proofs.map(([, guess]) => guess)));
    for (const guesses of ofNobody) await closeAll(async () => nobody(), guesses, stress(20, 500));
  });

  test("and one success by any of them opens all again", async () => {
    const { rpc } = await anApi();
    for (const [, right] of proofs) {
      const target = await newTarget(rpc);
      for (let place = 0; place < free - 1; place++)
        await answerTo(proofs[place % proofs.length]![1](rpc, target));
      expect((await answerTo(right(rpc, target, password))).reason).toBe("OK");
      for (let place = 0; place < free; place++)
        expect((await answerTo(proofs[place % proofs.length]![1](rpc, target))).reason).toBe(
          "CREDENTIALS_INVALID",
        );
      expect((await answerTo(right(rpc, target))).reason).toBe("TOO_MANY_ATTEMPTS");
    }
  });
});

/** Fails where any mixture of ten guesses leaves one of them open. */
async function closeAll(
  aTarget: (rpc: RpcClients) => Promise<Target>,
  guesses: readonly Guess[],
  numRuns: number,
): Promise<void> {
  const { rpc } = await anApi();
  const mixtures = fc.array(fc.constantFrom(...guesses), { minLength: free, maxLength: free });
  await fc.assert(
    fc.asyncProperty(mixtures, async (mixture) => {
      const target = await aTarget(rpc);
      for (const guess of mixture)
        expect((await answerTo(guess(rpc, target))).reason).toBe("CREDENTIALS_INVALID");
      for (const guess of guesses)
        expect((await answerTo(guess(rpc, target, password))).reason).toBe("TOO_MANY_ATTEMPTS");
    }),
    { numRuns },
  );
}

async function anApi() {
  const repository = new InMemoryRepository();
  const services = servicesOn(repository);
  await services.keyRing.maintain(aCall());
  const rpc = rpcOn(repository, services);
  // So that a wrong audience cannot be what fails.
  const target = await newTarget(rpc);
  await rpc.authentication.authenticate({ identifier: target.email, password, audience, client });
  return { rpc };
}
