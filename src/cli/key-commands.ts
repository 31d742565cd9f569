import type { SigningKeyStatus } from "../domain/signing-key/signing-key.ts";
import { type Command, command } from "./command.ts";
import { columns, counted, moment } from "./text.ts";

const listKeys = command({
  name: "keys list",
  summary: "Lists the signing keys, oldest first",
  details: `A key is "next" until it signs, "signing" until the one after it does, and "published" as long as something that it has
signed may be good. The tokens of a "revoked" key are refused. UNTIL is when a key stops signing: for the last key, when
the next one is due. Times are the database's.`,
  async run(_, { withService }) {
    const keys = await withService(({ keyRing, call }) => keyRing.list(call()));
    return { json: { keys: keys.map(keyJson) }, text: keyTable(keys) };
  },
});

const rotateKeys = command({
  name: "keys rotate",
  summary: "Adds the next signing key now",
  details: `For when a key may be known to somebody, or to change AUTH_SIGNING_ALGORITHM at once. It is published at once and signs
after twice AUTH_JWKS_MAX_AGE, when all verifiers know it. Where a next key waits already, nothing is added.`,
  async run(_, { withService }) {
    const { key, added } = await withService(({ keyRing, call }) => keyRing.rotate(call()));
    const { id, algorithm, activateTime } = key;
    return {
      json: { key: { id, algorithm, activateTime: activateTime.toISOString() }, added },
      text: added
        ? `Key ${id} (${algorithm}) is published, and signs from ${moment(activateTime)} on.\n`
        : `Key ${id} (${algorithm}) is the next one already, and signs from ${moment(activateTime)} on.\n`,
    };
  },
});

const revokeKey = command({
  name: "keys revoke",
  args: ["KID"],
  summary: "Permanently revokes a signing key that may have leaked",
  details: `Introspection reports its tokens as inactive at once, and every replica signs with the next key within two seconds.
Offline verifiers accept its tokens until they fetch the key set again, which takes at most AUTH_JWKS_MAX_AGE.
Sessions go on: their next refresh returns a token of the next key.`,
  async run({ args: [kid = ""] }, { withService }) {
    const { assertRequest } = await import("./messages.ts");
    assertRequest.revokeSigningKey({ kid });
    const { id, revokeTime, signing } = await withService(({ keyRing, call }) =>
      keyRing.revoke(call(), kid.toLowerCase()),
    );
    return {
      json: { key: { id, revokeTime: revokeTime.toISOString() }, signing: signing.id },
      text: `Key ${id} is revoked since ${moment(revokeTime)}. Key ${signing.id} (${signing.algorithm}) signs.\n`,
    };
  },
});

const wrapKeys = command({
  name: "keys wrap",
  summary: "Wraps everything by the first of the wrapping keys",
  details: `Services do so by themselves, as they look at the keys. Once this has been done with \`new,old\`, and no service runs
with another order, the old wrapping key is needed no more.`,
  async run(_, { withService }) {
    // The shared secrets are wrapped anew when they are opened.
    const { keys, rewrapped } = await withService(({ keyRing, call }) => keyRing.rewrap(call()));
    return {
      json: { keys, rewrapped },
      text: `${counted(rewrapped, "signing key")} of ${keys} wrapped anew; everything is wrapped by the first wrapping key.\n`,
    };
  },
});

/** Every command about the keys that tokens are signed with. */
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
      moment(createTime),
      moment(activateTime),
      moment(deactivateTime),
      moment(retireTime),
    ]),
  ]);
}
