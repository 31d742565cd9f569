import type { RelationalRepository } from "../../interfaces/relationaldb/relational-repository.ts";
import type { Call } from "../call.ts";
import type { Secret } from "../secret.ts";
import { sweepAll } from "../sweep.ts";
import type { DeviceTokens } from "./device-tokens.ts";

/** What a sign-in request states about its device. */
export interface DeviceChoice {
  /** The token that the device presents, if any. */
  readonly token: Secret | undefined;
  /** Whether to issue a token to the device. */
  readonly remember: boolean;
}

export const noDevice: DeviceChoice = { token: undefined, remember: false };

/** Lifetime of a token: at most 30 days. */
const keptForMs = 30 * 24 * 3_600_000;
/** Maximum devices per user; the oldest are removed. */
const mostDevices = 10;

/**
 * Devices on which a user has signed in (OWASP Authentication Cheat Sheet, device cookies). Attempts from a known
 * device have a budget of their own. The token grants nothing else and does not sign anyone in.
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
    /** Called if a device could not be remembered. The sign-in succeeds nevertheless. */
    onFailure: (error: unknown) => void;
  }) {
    this.#repository = dependencies.repository;
    this.#tokens = dependencies.tokens;
    this.#newId = dependencies.newId;
    this.#onFailure = dependencies.onFailure;
  }

  /** Identifies the device in an attempt. */
  knownBy({ token }: DeviceChoice): { readonly deviceDigest: string } | undefined {
    return token && { deviceDigest: this.#tokens.digestOf(token) };
  }

  /**
   * Issues a token for the device of a user who has just signed in, if it is to be remembered. Returns undefined if the
   * password was replaced in the meantime, or if the token cannot be stored. Never throws, because the session has
   * begun and the caller must receive it.
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

  /** Purges expired devices, in small steps. For a background task. */
  async forgetOld(call: Call): Promise<void> {
    await sweepAll((limit) => this.#repository.transaction(call, ({ devices }) => devices.sweep(limit)));
  }
}
