import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { figure } from "../support/figures.ts";
import { errorOf } from "../support/rpc.ts";
import { otherPassword, password } from "../support/services.ts";
import { stress } from "../support/stress.ts";
import { type Account, isActive, newAccount, refresh, type SignedIn, signIn } from "./sign-in.ts";
import { type Instance, TwoServices } from "./two-services.ts";

/** Uses of ended sessions, in all. */
const uses = stress(10_000, 200_000);
const sessionsOfUser = 3;
const usersAtOnce = 6;

/** All that ends sessions before their time. Each ends all sessions of the user but those that it answers. */
const ends: readonly {
  readonly name: string;
  readonly run: (
    by: Instance,
    account: Account,
    sessions: readonly SignedIn[],
  ) => Promise<readonly SignedIn[]>;
}[] = [
  {
    name: "RevokeSession",
    run: async (by, _account, [first, ...others]) => {
      await by.sessions.revokeSession({ id: first!.session.id });
      return others;
    },
  },
  {
    name: "RevokeUserSessions",
    run: async (by, { userId }) => {
      await by.sessions.revokeUserSessions({ userId });
      return [];
    },
  },
  {
    name: "RevokeUserSessions but one",
    run: async (by, { userId }, sessions) => {
      const kept = sessions.slice(1, 2);
      await by.sessions.revokeUserSessions({ userId, exceptSessionId: kept[0]!.session.id });
      return kept;
    },
  },
  {
    name: "SuspendUser",
    run: async (by, { userId: id }) => {
      await by.users.suspendUser({ id, reason: "test" });
      return [];
    },
  },
  {
    name: "DeleteUser",
    run: async (by, { userId: id }) => {
      await by.users.deleteUser({ id });
      return [];
    },
  },
  {
    name: "SetPassword",
    run: async (by, { userId }) => {
      await by.authentication.setPassword({ userId, password: otherPassword });
      return [];
    },
  },
  {
    name: "ChangePassword",
    run: async (by, { userId }) => {
      await by.authentication.changePassword({
        userId,
        currentPassword: password,
        newPassword: otherPassword,
      });
      return [];
    },
  },
  {
    name: "ChangePassword in one of them",
    run: async (by, { userId }, sessions) => {
      const kept = sessions.slice(-1);
      await by.authentication.changePassword({
        userId,
        currentPassword: password,
        newPassword: otherPassword,
        keepSessionId: kept[0]!.session.id,
      });
      return kept;
    },
  },
];

/** What gives back to a user what an end has taken: the sessions are not among it. */
const returns: Readonly<Record<string, (by: Instance, id: string) => Promise<unknown>>> = {
  SuspendUser: (by, id) => by.users.unsuspendUser({ id }),
  DeleteUser: (by, id) => by.users.undeleteUser({ id }),
};

describe("sessions on two processes, once their end is acknowledged", { timeout: 120_000 }, () => {
  let services: TwoServices;
  beforeAll(async () => {
    services = await TwoServices.start({ AUTH_HASH_QUEUE: "10000" });
  });
  afterAll(() => services?.[Symbol.asyncDispose]());

  /** Uses each session in every way at both processes, all at the same moment. Answers how many were accepted. */
  const useAll = async (ended: readonly SignedIn[]) => {
    const tokens = ended.map((each) => each.tokens.accessToken);
    const batch = { tokens: Array.from({ length: 4 }, () => tokens).flat() };
    const outcomes = await Promise.all(
      services.both.flatMap((clients) => [
        ...times(5, async () => {
          const { results } = await clients.tokens.batchIntrospectTokens(batch);
          return results.map(({ active }) => active);
        }),
        ...tokens.flatMap((token) => times(10, () => isActive(clients, token))),
        ...ended.flatMap((each) => times(5, () => refreshes(clients, each))),
      ]),
    );
    const all = outcomes.flat();
    return { uses: all.length, accepted: all.filter((accepted) => accepted).length };
  };

  const refreshes = async (clients: Instance, { tokens }: SignedIn) => {
    const outcome = await refresh(clients, tokens.refreshToken).catch((error) =>
      errorOf(Promise.reject(error)),
    );
    if ("tokens" in outcome) return true;
    expect(outcome.reason).toBe("REFRESH_TOKEN_INVALID");
    return false;
  };

  const signInsOf = (account: Account) =>
    Promise.all(times(sessionsOfUser, (i) => signIn(services.byTurns(i), account)));

  test(`${uses} uses by whatever token: none is accepted`, {
    timeout: stress(120_000, 1_800_000),
  }, async () => {
    const figures = new Map(ends.map(({ name }) => [name, 0]));
    let made = 0;
    let accepted = 0;
    const oneUser = async (n: number) => {
      const { name, run } = ends[n % ends.length]!;
      // Each is made by the one process and by the other.
      const by = services.byTurns(Math.floor(n / ends.length));
      const account = await newAccount(by);
      const sessions = await signInsOf(account);
      const kept = await run(by, account, sessions);
      const ended = sessions.filter((each) => !kept.includes(each));
      const outcome = await useAll(ended);
      for (const { tokens } of kept)
        expect(await isActive(services.byTurns(n), tokens.accessToken)).toBe(true);
      for (const each of kept) await refresh(services.byTurns(n), each.tokens.refreshToken);
      made += outcome.uses;
      accepted += outcome.accepted;
      figures.set(name, figures.get(name)! + outcome.uses);
    };
    let n = 0;
    const worker = async () => {
      while (made < uses) await oneUser(n++);
    };
    await Promise.all(times(usersAtOnce, worker));

    figure("uses of ended sessions", { users: n, ...Object.fromEntries(figures), accepted });
    expect(accepted).toBe(0);
    expect(Math.min(...figures.values())).toBeGreaterThan(0);
  });

  test("nothing of what is undone brings them back", async () => {
    for (const [name, undo] of Object.entries(returns)) {
      const account = await newAccount(services.first);
      const sessions = await signInsOf(account);
      await ends.find((end) => end.name === name)!.run(services.first, account, sessions);
      await undo(services.second, account.userId);
      expect(await useAll(sessions)).toMatchObject({ accepted: 0 });
      const fresh = await signIn(services.second, account);
      expect(await isActive(services.first, fresh.tokens.accessToken)).toBe(true);
      const { sessions: live } = await services.first.sessions.listSessions({ userId: account.userId });
      expect(live.map(({ id }) => id)).toEqual([fresh.session.id]);
    }
  });

  test.each(ends)(
    "$name while they are used all the time: accepted until then, and not once after it",
    async ({ run }) => {
      for (let round = 0; round < stress(3, 100); round++) {
        const account = await newAccount(services.first);
        const sessions = await signInsOf(account);
        const users = sessions.map((each) => new SteadyUser(services, each));
        // Each has been accepted, however slow the machine is.
        while (users.some((user) => user.accepted.length < 5)) await sleep(5);
        const kept = await run(services.byTurns(round), account, sessions);
        const acknowledgedAt = performance.now();
        const ended = users.filter((_, i) => !kept.includes(sessions[i]!));
        const others = users.filter((user) => !ended.includes(user));
        // Every one has begun and been told several times since.
        while (ended.some((user) => user.refusedSince(acknowledgedAt) < 20)) {
          await sleep(5);
          expect(ended.flatMap((user) => user.acceptedSince(acknowledgedAt))).toEqual([]);
        }
        await Promise.all(users.map((user) => user.stop()));
        expect(ended.flatMap((user) => user.acceptedSince(acknowledgedAt))).toEqual([]);
        for (const user of others) {
          expect(user.acceptedSince(acknowledgedAt).length).toBeGreaterThan(0);
          expect(user.refusedSince(0)).toBe(0);
        }
      }
    },
  );

  const races = [
    {
      name: "a suspension",
      end: (by: Instance, { userId }: Account) => by.users.suspendUser({ id: userId, reason: "test" }),
      undo: (by: Instance, { userId }: Account) => by.users.unsuspendUser({ id: userId }),
    },
    {
      name: "a deletion",
      end: (by: Instance, { userId }: Account) => by.users.deleteUser({ id: userId }),
      undo: (by: Instance, { userId }: Account) => by.users.undeleteUser({ id: userId }),
    },
    {
      name: "a password that is set",
      end: (by: Instance, { userId }: Account) =>
        by.authentication.setPassword({ userId, password: otherPassword }),
      undo: async () => {},
    },
    {
      name: "a password that is changed",
      end: (by: Instance, { userId }: Account) =>
        by.authentication.changePassword({ userId, currentPassword: password, newPassword: otherPassword }),
      undo: async () => {},
    },
  ];

  describe("while a session takes its time to begin", () => {
    // Between what a sign-in has read of its user and what it writes: there an end comes about that it has not seen.
    beforeAll(async () => {
      await services.query(`
        create function take_time() returns trigger language plpgsql as $$
        begin
          perform pg_sleep(0.04);
          return new;
        end
        $$`);
      await services.query(`
        create trigger take_time before insert on sessions for each row execute function take_time()`);
    });
    afterAll(async () => {
      await services.query("drop trigger take_time on sessions");
      await services.query("drop function take_time");
    });

    test.each(races)(
      "sign-ins at the same moment as $name leave no session behind",
      async ({ name, end, undo }) => {
        let begun = 0;
        let refused = 0;
        for (let round = 0; round < stress(6, 200); round++) {
          const account = await newAccount(services.first);
          let answeredSoFar = 0;
          const signIns = times(8, (i) =>
            signIn(services.byTurns(i), account).finally(() => {
              answeredSoFar += 1;
            }),
          );
          const settled = Promise.allSettled(signIns);
          // The passwords of the others are being checked, or their sessions begin in this very moment.
          while (answeredSoFar < round % 6) await sleep(1);
          await end(services.byTurns(round), account);
          const answers = await settled;
          const answered = answers
            .filter((answer) => answer.status === "fulfilled")
            .map(({ value }) => value);
          begun += answered.length;
          refused += answers.length - answered.length;
          for (const answer of answers) {
            if (answer.status === "fulfilled") continue;
            // Each that the end has overtaken counts as a failure, and eight of them may be more than are free.
            const { reason } = await errorOf(Promise.reject(answer.reason));
            expect(["CREDENTIALS_INVALID", "TOO_MANY_ATTEMPTS"]).toContain(reason);
          }
          await undo(services.first, account);
          if (answered.length > 0) expect(await useAll(answered)).toMatchObject({ accepted: 0 });
          const { sessions } = await services.second.sessions.listSessions({ userId: account.userId });
          expect(sessions).toEqual([]);
        }
        figure(`sign-ins racing ${name}`, { begun, refused });
      },
    );
  });
});

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

interface Use {
  readonly what: string;
  readonly startedAt: number;
}

/** Uses one session without a pause: introspections at both processes, and refreshes by turns, with its newest tokens. */
class SteadyUser {
  readonly accepted: Use[] = [];
  readonly #refused: Use[] = [];
  readonly #services: TwoServices;
  readonly #loops: Promise<unknown>;
  #tokens: SignedIn["tokens"];
  #stopped = false;

  constructor(services: TwoServices, { tokens }: SignedIn) {
    this.#services = services;
    this.#tokens = tokens;
    this.#loops = Promise.all([
      ...services.both.flatMap((clients) => [
        this.#repeat("IntrospectToken", () => isActive(clients, this.#tokens.accessToken)),
        this.#repeat("BatchIntrospectTokens", async () => {
          const { accessToken } = this.#tokens;
          const { results } = await clients.tokens.batchIntrospectTokens({
            tokens: [accessToken, accessToken],
          });
          return results.some(({ active }) => active);
        }),
      ]),
      this.#repeat("RefreshSession", (n) => this.#refresh(n)),
    ]);
    this.#loops.catch(() => {});
  }

  acceptedSince(since: number): Use[] {
    return this.accepted.filter(({ startedAt }) => startedAt >= since);
  }

  refusedSince(since: number): number {
    return this.#refused.filter(({ startedAt }) => startedAt >= since).length;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loops;
  }

  async #repeat(what: string, use: (n: number) => Promise<boolean>): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const startedAt = performance.now();
      ((await use(n)) ? this.accepted : this.#refused).push({ what, startedAt });
    }
  }

  async #refresh(n: number): Promise<boolean> {
    try {
      const { tokens } = await refresh(this.#services.byTurns(n), this.#tokens.refreshToken);
      this.#tokens = tokens;
      return true;
    } catch (error) {
      const { reason } = await errorOf(Promise.reject(error));
      if (reason !== "REFRESH_TOKEN_INVALID") throw error;
      return false;
    }
  }
}
