import { randomUUID } from "node:crypto";
import type { ApiClients } from "../support/clients.ts";
import { errorOf } from "../support/rpc.ts";
import { audience, otherPassword, password } from "../support/services.ts";

/** Somebody whose password is guessed, by all names that there are. */
export interface Target {
  readonly id: string;
  readonly email: string;
  readonly username: string;
}

export const client = { id: "web" };
const newPassword = "what the guesser would set instead";

export function nobody(): Target {
  const name = randomUUID();
  return { id: randomUUID(), email: `${name}@example.com`, username: `u-${name}` };
}

/** A user with the usual password. */
export async function newTarget({ users }: ApiClients): Promise<Target> {
  const { email, username } = nobody();
  const { user } = await users.createUser({ user: { email, username }, password });
  return { id: user!.id, email, username };
}

/** One guess by one method. */
export type Guess = (clients: ApiClients, target: Target, secret?: string) => Promise<unknown>;

export const verifyPassword: Guess = ({ authentication }, { username }, secret = otherPassword) =>
  authentication.verifyPassword({ identifier: username, password: secret });

export const verifyByEmail: Guess = ({ authentication }, { email }, secret = otherPassword) =>
  authentication.verifyPassword({ identifier: email, password: secret });

export const verifySpelledOtherwise: Guess = ({ authentication }, { email }, secret = otherPassword) =>
  authentication.verifyPassword({ identifier: email.toUpperCase().replace("@", "＠"), password: secret });

export const authenticate: Guess = ({ authentication }, { username }, secret = otherPassword) =>
  authentication.authenticate({ identifier: username, password: secret, audience, client });

export const changePassword: Guess = ({ authentication }, { id }, secret = otherPassword) =>
  authentication.changePassword({ userId: id, currentPassword: secret, newPassword });

/** Every way that there is. */
export const everyWay: readonly Guess[] = [
  verifyPassword,
  verifyByEmail,
  verifySpelledOtherwise,
  authenticate,
  changePassword,
];

export interface Answered {
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
}

/** What a guess is answered. A guess that is right is answered OK. */
export async function answerTo(guess: Promise<unknown>): Promise<Answered> {
  const isRight = await guess.then(
    () => true,
    () => false,
  );
  if (isRight) return { reason: "OK", retryAfterMs: undefined };
  const { reason, retryAfterMs, code, message } = await errorOf(guess);
  return { reason: reason ?? `${code}: ${message}`, retryAfterMs };
}

/** How often each reason was answered. */
export function countsOf(answers: readonly Answered[]): Record<string, number> {
  const byReason = Map.groupBy(answers, ({ reason }) => reason);
  return Object.fromEntries([...byReason].map(([reason, same]) => [reason, same.length]));
}
