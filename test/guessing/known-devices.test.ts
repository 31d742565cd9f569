import { afterAll, beforeAll, expect, test } from "vitest";
import { figure } from "../support/figures.ts";
import { audience, otherPassword, password } from "../support/services.ts";
import { TwoServices } from "../tokens/two-services.ts";
import { answerTo, authenticate, client, countsOf, newTarget, verifyPassword } from "./guesses.ts";

/** Ten, and one more for a lock that may have ended meanwhile. */
const mostAnswered = 11;

let services: TwoServices;
beforeAll(async () => {
  services = await TwoServices.start({ AUTH_NETWORK_ATTEMPT_LIMIT: "1000000" });
});
afterAll(() => services?.[Symbol.asyncDispose]());

test("while strangers guess at two processes, the owner signs in from a known device, and no device is locked", {
  timeout: 120_000,
}, async () => {
  const { first, second } = services;
  const target = await newTarget(first);
  const { deviceToken } = await first.authentication.authenticate({
    identifier: target.email,
    password,
    audience,
    client,
    rememberDevice: true,
  });
  const fromDevice = (secret: string, on = second) =>
    answerTo(
      on.authentication.authenticate({
        identifier: target.username,
        password: secret,
        audience,
        client,
        deviceToken,
      }),
    );
  const guesses = 100;
  const strangers = Array.from({ length: guesses }, (_, place) =>
    answerTo(authenticate(place % 2 === 0 ? first : second, target)),
  );
  const owner: string[] = [];
  for (let place = 0; place < 5; place++) owner.push((await fromDevice(password)).reason);
  const answers = countsOf(await Promise.all(strangers));
  figure("strangers at an account whose owner's device is known", { guesses, ...answers });
  expect(Object.keys(answers).sort()).toEqual(["CREDENTIALS_INVALID", "TOO_MANY_ATTEMPTS"]);
  expect(answers["CREDENTIALS_INVALID"]).toBeLessThanOrEqual(mostAnswered);
  expect(owner).toEqual(Array<string>(5).fill("OK"));

  // Somebody has stolen the token: it gives him ten guesses, over both processes together, and locks nothing else.
  await first.users.unlockUser({ id: target.id });
  const stolen = await Promise.all(
    Array.from({ length: 60 }, (_, place) => fromDevice(otherPassword, place % 2 === 0 ? first : second)),
  );
  expect(countsOf(stolen)["CREDENTIALS_INVALID"]).toBeLessThanOrEqual(mostAnswered);
  expect((await fromDevice(password)).reason).toBe("TOO_MANY_ATTEMPTS");
  expect((await answerTo(verifyPassword(second, target, password))).reason).toBe("OK");
  await second.users.unlockUser({ id: target.id });
  expect((await fromDevice(password, first)).reason).toBe("OK");

  const rows = await services.query("select digest from devices where user_id = $1", [target.id]);
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain(deviceToken.slice("auth_dt_".length));
});
