import type { SigningKeyStatus } from "../domain/signing-key/signing-key.ts";
import { type Command, command } from "./command.ts";
import { columns, formatTime, plural } from "./text.ts";

const listKeys = command({
  name: "keys list",
  summary: "Lists signing keys, oldest first",
  details: `A key is "next" until it signs, "signing" until the next one does, and "published" while its tokens may be valid.
Tokens of a "revoked" key are refused. UNTIL is when a key stops signing: for the last key, when the next one is due.
Times are those of the database.`,
  async run(_, { withService }) {
    const keys = await withService(({ keyRing, call }) => keyRing.list(call()));
    return { json: { keys: keys.map(keyJson) }, text: keyTable(keys) };
  },
});

const rotateKeys = command({
  name: "keys rotate",
  summary: "Adds the next signing key",
  details: `Use it to apply AUTH_SIGNING_ALGORITHM now. The key is published at once and signs after twice AUTH_JWKS_MAX_AGE, when
all verifiers have it. If there is a next key already, nothing is added. For a leaked key use \`auth keys revoke\`.`,
  async run(_, { withService }) {
    const { key, added } = await withService(({ keyRing, call }) => keyRing.rotate(call()));
    const { id, algorithm, activateTime } = key;
    return {
      json: { key: { id, algorithm, activateTime: activateTime.toISOString() }, added },
      text: added
        ? `Key ${id} (${algorithm}) is published and signs from ${formatTime(activateTime)}.\n`
        : `Key ${id} (${algorithm}) is already the next one and signs from ${formatTime(activateTime)}.\n`,
    };
  },
});

const revokeKey = command({
  name: "keys revoke",
  args: ["KID"],
  summary: "Permanently revokes a signing key that may have leaked",
  details: `Introspection reports its tokens as inactive at once, and every replica signs with the next key within two seconds.
Offline verifiers accept its tokens until they fetch the key set again, which takes at most AUTH_JWKS_MAX_AGE.
Sessions continue: their next refresh returns a token of the next key.`,
  async run({ args: [kid = ""] }, { withService }) {
    const { assertRequest } = await import("./messages.ts");
    assertRequest.revokeSigningKey({ kid });
    const { id, revokeTime, signing } = await withService(({ keyRing, call }) =>
      keyRing.revoke(call(), kid.toLowerCase()),
    );
    return {
      json: { key: { id, revokeTime: revokeTime.toISOString() }, signing: signing.id },
      text: `Key ${id} was revoked at ${formatTime(revokeTime)}. Key ${signing.id} (${signing.algorithm}) signs now.\n`,
    };
  },
});

const wrapKeys = command({
  name: "keys wrap",
  summary: "Encrypts all secrets with the first wrapping key",
  details: `Running services do this on their own. After it is done with \`new,old\` and every service runs with that order, remove
the old wrapping key.`,
  async run(_, { withService }) {
    // Opening the shared secrets also wraps them again.
    const { keys, rewrapped } = await withService(({ keyRing, call }) => keyRing.rewrap(call()));
    return {
      json: { keys, rewrapped },
      text: `${plural(rewrapped, "signing key")} of ${keys} encrypted again; all secrets are encrypted by the first wrapping key.\n`,
    };
  },
});

/** Every command that manages signing keys. */
export const keyCommands: readonly Command[] = [listKeys, rotateKeys, revokeKey, wrapKeys];

function keyJson({
  createTime,
  activateTime,
  deactivateTime,
  retireTime,
  revokeTime,
  ...key
}: SigningKeyStatus) {
  return {
    id: key.id,
    sequence: key.sequence,
    algorithm: key.algorithm,
    state: key.state,
    createTime: createTime.toISOString(),
    activateTime: activateTime.toISOString(),
    deactivateTime: deactivateTime.toISOString(),
    retireTime: retireTime?.toISOString() ?? null,
    revokeTime: revokeTime?.toISOString() ?? null,
  };
}

function keyTable(keys: readonly SigningKeyStatus[]): string {
  return columns([
    ["ID", "ALGORITHM", "STATE", "CREATED", "SIGNS FROM", "UNTIL", "PUBLISHED UNTIL"],
    ...keys.map(({ id, algorithm, state, createTime, activateTime, deactivateTime, retireTime }) => [
      id,
      algorithm,
      state,
      formatTime(createTime),
      formatTime(activateTime),
      formatTime(deactivateTime),
      formatTime(retireTime),
    ]),
  ]);
}
