import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { Call } from "../call.ts";
import type { Secret } from "../secret.ts";
import { sweepAll } from "../sweep.ts";
import type { DeviceTokens } from "./device-tokens.ts";

/** What a sign-in says of its device. */
export interface DeviceChoice {
  /** The token that the device holds, if any. */
  readonly token: Secret | undefined;
  /** Whether the device is to hold one from now on. */
  readonly remember: boolean;
}

export const noDevice: DeviceChoice = { token: undefined, remember: false };

/** Days for which a token is good: at most 30. */
const keptForMs = 30 * 24 * 3_600_000;
/** Devices of one user; the oldest make room. */
const mostDevices = 10;

/**
 * Devices on which a user has signed in (OWASP Authentication Cheat Sheet, device cookies). An attempt from one has a budget
 * of its own. A token proves nothing else: it opens no account.
 */
export class KnownDevices {
  readonly #repository: RelationalRepository;
  readonly #tokens: DeviceTokens;
  readonly #newId: () => string;
  readonly #onFailure: (error: unknown) => void;

  constructor(dependencies: {
    repository: RelationalRepository;
    tokens: DeviceTokens;
    newId: () => string;
    /** Told when a device could not be remembered; the sign-in is good all the same. */
    onFailure: (error: unknown) => void;
  }) {
    this.#repository = dependencies.repository;
    this.#tokens = dependencies.tokens;
    this.#newId = dependencies.newId;
    this.#onFailure = dependencies.onFailure;
  }

  /** What an attempt is known by. */
  knownBy({ token }: DeviceChoice): { readonly deviceDigest: string } | undefined {
    return token && { deviceDigest: this.#tokens.digestOf(token) };
  }

  /**
   * A token for the device of a user who has just signed in, where it is to be remembered. None where the password was
   * replaced since, and none where it cannot be stored: a session has begun that the caller must learn of. Never throws.
   */
  async remember(
    call: Call,
    { userId, passwordHash }: { readonly userId: string; readonly passwordHash: string },
    { token: before, remember }: DeviceChoice,
  ): Promise<Secret | undefined> {
    if (!remember) return undefined;
    const token = this.#tokens.make();
    const device = { id: this.#newId(), userId, digest: this.#tokens.digestOf(token), keptForMs };
    try {
      return await this.#repository.transaction(call, async ({ credentials, devices }) => {
        const found = await credentials.find({ kind: "id", id: userId });
        if (found?.user.state !== "active" || found.passwordHash !== passwordHash) return undefined;
        const renewed = before !== undefined && (await devices.renew(device, this.#tokens.digestOf(before)));
        if (!renewed) await devices.add(device, mostDevices);
        return token;
      });
    } catch (error) {
      this.#onFailure(error);
      return undefined;
    }
  }

  /** Forgets devices that have expired, in small steps. For a task in the background. */
  async forgetOld(call: Call): Promise<void> {
    await sweepAll((limit) => this.#repository.transaction(call, ({ devices }) => devices.sweep(limit)));
  }
}
