import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthenticationService } from "../../src/gen/auth/v1/authentication_service_pb.ts";
import { figure } from "../support/figures.ts";
import type { RunningService } from "../support/service.ts";
import { audience, otherPassword, password } from "../support/services.ts";
import { type RawCaller, rawGrpc, rawJson } from "../tokens/raw-answers.ts";
import { TwoServices } from "../tokens/two-services.ts";
import { type ClassName, classes, type Named } from "./classes.ts";
import { newTarget } from "./guesses.ts";

const places = 12;
const free = 10;
/** Who is signed in by the right password, so that only a wrong one is refused. */
const signsIn: ReadonlySet<string> = new Set([
  "wrong",
  "an old hash",
  "a foreign hash",
] satisfies ClassName[]);
/** One for all calls: it is the only thing that two answers may differ in. */
const headers = { "x-request-id": "the-same-for-all" };
const { verifyPassword, authenticate, changePassword } = AuthenticationService.method;

const methods: Record<
  string,
  (caller: RawCaller, named: Named, secret: string) => Promise<{ text: string }>
> = {
  VerifyPassword: (caller, { identifier }, secret) =>
    caller.call(verifyPassword, { identifier, password: secret, ipAddress: "192.0.2.1" }, headers),
  "VerifyPassword with somebody's device token": (caller, { identifier }, secret) =>
    caller.call(verifyPassword, { identifier, password: secret, deviceToken }, headers),
  Authenticate: (caller, { identifier }, secret) =>
    caller.call(authenticate, { identifier, password: secret, audience, client: { id: "web" } }, headers),
  ChangePassword: (caller, { userId }, secret) =>
    caller.call(
      changePassword,
      { userId, currentPassword: secret, newPassword: "what the guesser would set" },
      headers,
    ),
};
const listeners: Record<string, (service: RunningService) => RawCaller> = {
  "gRPC, with its trailers": rawGrpc,
  "Connect with JSON": rawJson,
};

let services: TwoServices;
/** Of a user who is none of those that are asked about. */
let deviceToken: string;
beforeAll(async () => {
  services = await TwoServices.start({ AUTH_NETWORK_ATTEMPT_LIMIT: "1000000" });
  const { username: identifier } = await newTarget(services.first);
  const { authentication } = services.first;
  ({ deviceToken } = await authentication.verifyPassword({ identifier, password, rememberDevice: true }));
  expect(deviceToken).not.toBe("");
});
afterAll(() => services?.[Symbol.asyncDispose]());

/** One of each class. */
async function oneOfEach(): Promise<[string, Named][]> {
  const instance = { clients: services.first, query: services.query.bind(services) };
  const made: [string, Named][] = [];
  for (const [name, newOf] of Object.entries(classes)) made.push([name, await newOf(instance)]);
  return made;
}

describe.each(Object.keys(listeners))("over %s", (listener) => {
  test.each(Object.keys(methods))(
    `%s has one answer at each place for whoever cannot sign in, byte by byte`,
    { timeout: 120_000 },
    async (method) => {
      const everybody = await oneOfEach();
      using caller = listeners[listener]!(services.first.service);
      const ask = (place: number) =>
        Promise.all(
          everybody.map(async ([name, named]) => {
            // To those who cannot sign in anyway the right password is nothing else.
            const secret = place % 3 === 0 && !signsIn.has(name) ? password : otherPassword;
            return [name, (await methods[method]!(caller, named, secret)).text] as const;
          }),
        );
      const answersAt: string[] = [];
      for (let place = 1; place <= places; place++) {
        let answers = await ask(place);
        // Locks that began one after another are made to end at one moment, and all are asked within one second of it.
        for (let tries = 0; tries < 5 && place > free; tries++) {
          await services.query("update account_attempts set lock_end_time = now() + interval '29.9 s'");
          answers = await ask(place);
          if (new Set(answers.map(([, text]) => text)).size === 1) break;
        }
        const [[, first] = ["", ""]] = answers;
        expect(answers.filter(([, text]) => text !== first)).toEqual([]);
        expect(first).toContain(place <= free ? "identifier or password is wrong" : "too many attempts");
        answersAt.push(first);
      }
      // One answer while the account is open, and one while it is closed.
      expect(new Set(answersAt.slice(0, free)).size).toBe(1);
      figure(`uniform answers: ${method} over ${listener}`, {
        classes: everybody.length,
        places,
        "different answers": new Set(answersAt).size,
      });
    },
  );
});
