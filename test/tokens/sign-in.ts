import { randomUUID } from "node:crypto";
import type { Session, Tokens } from "../../src/gen/auth/v1/session_pb.ts";
import type { ApiClients } from "../support/clients.ts";
import { audience, password } from "../support/services.ts";

/** Somebody who can sign in. */
export interface Account {
  readonly userId: string;
  readonly username: string;
}

export interface SignedIn {
  readonly session: Session;
  readonly tokens: Tokens;
}

export async function newAccount({ users }: ApiClients): Promise<Account> {
  const username = `u-${randomUUID()}`;
  const { user } = await users.createUser({ user: { username }, password });
  return { userId: user!.id, username };
}

export async function signIn(
  { authentication }: ApiClients,
  { username }: Account,
  secret = password,
): Promise<SignedIn> {
  const client = { id: "web" };
  const answer = await authentication.authenticate({
    identifier: username,
    password: secret,
    audience,
    client,
  });
  return { session: answer.session!, tokens: answer.tokens! };
}

/** A session of a new user. */
export async function newSession(clients: ApiClients): Promise<SignedIn> {
  return signIn(clients, await newAccount(clients));
}

/** The tokens for a refresh token. */
export async function refresh({ sessions }: ApiClients, refreshToken: string): Promise<SignedIn> {
  const { session, tokens } = await sessions.refreshSession({ refreshToken });
  return { session: session!, tokens: tokens! };
}

export async function isActive({ tokens }: ApiClients, token: string): Promise<boolean> {
  return (await tokens.introspectToken({ token })).active;
}
