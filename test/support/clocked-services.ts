import { Secret } from "../../src/domain/secret.ts";
import type { AccessTokenClaims } from "../../src/domain/token/access-tokens.ts";
import type { User } from "../../src/domain/user/user.ts";
import { aCall } from "./calls.ts";
import { Clocks } from "./clocks.ts";
import { InMemoryRepository } from "./in-memory-repository.ts";
import { revealed } from "./revealed.ts";
import { audience, cheapArgon2, password, servicesOn } from "./services.ts";

export type ClockedServices = Awaited<ReturnType<typeof clockedServices>>;

export const client = {
  id: "web",
  displayName: "Ada's phone",
  userAgent: "Engine/1.0",
  ipAddress: "2001:db8::1",
};

/** The domain services on a repository whose clock a test moves, with keys to sign with, and what most tests do first. */
export async function clockedServices(environment: Record<string, string> = {}) {
  const clocks = new Clocks();
  const repository = new InMemoryRepository(clocks.database);
  const services = servicesOn(repository, cheapArgon2, environment);
  await services.keyRing.maintain(aCall());
  return {
    ...services,
    clocks,
    repository,

    create(name: string, initial: string | undefined = password): Promise<User> {
      return services.users.create(aCall(), {
        email: `${name}@example.com`,
        username: name,
        displayName: "",
        attributes: {},
        password: initial === undefined ? undefined : new Secret(initial),
        requestId: undefined,
      });
    },

    async signIn(identifier: string, changes: { password?: string; audience?: string } = {}) {
      const signIn = await services.authentication.authenticate(aCall(), {
        identifier,
        audience,
        client,
        ...changes,
        password: new Secret(changes.password ?? password),
      });
      return { ...signIn, tokens: revealed(signIn.tokens) };
    },

    async refresh(token: string) {
      const refreshed = await services.sessions.refresh(aCall(), new Secret(token));
      return { ...refreshed, tokens: revealed(refreshed.tokens) };
    },

    /** The claims of a token that is good now, for anybody who asks. */
    introspect(token: string): Promise<AccessTokenClaims | undefined> {
      return services.tokens.introspect(aCall(), new Secret(token), {
        audience: undefined,
        maxStalenessMs: 0,
      });
    },
  };
}

/** What a change of a user is called with where nothing else is said. */
export function changeOf({ id }: { readonly id: string }) {
  return { id, etag: undefined, requestId: undefined };
}

/** The claims of an access token, without any check. */
export function claimsIn(accessToken: string): AccessTokenClaims {
  return JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString());
}
