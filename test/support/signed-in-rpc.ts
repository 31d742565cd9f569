import { aCall } from "./calls.ts";
import { client } from "./clocked-services.ts";
import { Clocks } from "./clocks.ts";
import { InMemoryRepository } from "./in-memory-repository.ts";
import { rpcOn } from "./rpc.ts";
import { audience, password } from "./services.ts";

/** The whole API on a repository whose clock a test moves, with keys to sign with, and a user "ada" who can sign in. */
export async function rpcWithAda() {
  const clocks = new Clocks();
  const repository = new InMemoryRepository(clocks.database);
  const rpc = rpcOn(repository);
  await rpc.services.keyRing.maintain(aCall());
  const { user } = await rpc.users.createUser({ user: { username: "ada" }, password });
  if (user === undefined) throw new Error("no user");
  return {
    ...rpc,
    clocks,
    repository,
    user,

    /** Signs ada in. Answers what must be there. */
    async signIn(changes: { audience?: string } = {}) {
      const answer = await rpc.authentication.authenticate({
        identifier: "ada",
        password,
        audience,
        client,
        ...changes,
      });
      const { session, tokens } = answer;
      if (session === undefined || tokens === undefined) throw new Error("no session");
      return { user: answer.user, session, tokens };
    },
  };
}

export type RpcWithAda = Awaited<ReturnType<typeof rpcWithAda>>;
