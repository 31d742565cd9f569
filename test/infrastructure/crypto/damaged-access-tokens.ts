import type { Forgery, PubliclyKnown } from "./forged-access-tokens.ts";

/** Tokens that were good before somebody worked on their text, their claims or their signature. */
export function damagedAccessTokens(known: PubliclyKnown): Forgery[] {
  return [
    ...changedClaims(known),
    ...(known.publicJwk.kty === "EC" ? ecdsaSignatures(known) : eddsaSignatures(known)),
    ...signatures(known),
    ...parts(known),
    ...encodings(known),
    ...surroundings(known),
    ...sizes(known),
  ];
}

const encode = (bytes: string | Buffer) => Buffer.from(bytes as string).toString("base64url");
const decode = (part: string) => Buffer.from(part, "base64url");

function split(token: string): readonly [string, string, string] {
  const [header = "", payload = "", signature = ""] = token.split(".");
  return [header, payload, signature];
}

/** New claims under the old signature. */
function* changedClaims({ good }: PubliclyKnown): Iterable<Forgery> {
  const [header, payload, signature] = split(good);
  const claims = JSON.parse(decode(payload).toString());
  const changes: [string, object][] = [
    ["a later exp", { exp: claims.exp + 86_400 }],
    ["another sub", { sub: "00000000-0000-4000-8000-000000000000" }],
    ["another sid", { sid: "00000000-0000-4000-8000-000000000000" }],
    ["another aud", { aud: "another" }],
    ["another iss", { iss: "https://attacker.example" }],
    ["one claim more", { scope: "admin" }],
    ["one claim less", { jti: undefined }],
  ];
  for (const [name, change] of changes) {
    const changed = encode(JSON.stringify({ ...claims, ...change }));
    yield { name: `the old signature over ${name}`, token: `${header}.${changed}.${signature}` };
  }
}

const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function* ecdsaSignatures({ good }: PubliclyKnown): Iterable<Forgery> {
  const [header, payload, signature] = split(good);
  const input = `${header}.${payload}`;
  const bytes = decode(signature);
  const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32)];
  const word = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
  const value = (half: Buffer) => BigInt(`0x${half.toString("hex")}`);
  const [zero, order, last] = [word(0n), word(p256Order), word(p256Order - 1n)];
  const pairs: [string, Buffer, Buffer][] = [
    ["of the other s", r, word(p256Order - value(s))],
    ["r and s zero (CVE-2022-21449)", zero, zero],
    ["r zero", zero, s],
    ["s zero", r, zero],
    ["r and s n", order, order],
    ["r n", order, s],
    ["s n", r, order],
    ["r zero and s n", zero, order],
    ["r and s n - 1", last, last],
    ["r and s one", word(1n), word(1n)],
    ["r negated", word(p256Order - value(r)), s],
    ["r and s exchanged", s, r],
  ];
  for (const [name, a, b] of pairs) {
    yield { name: `signature ${name}`, token: `${input}.${encode(Buffer.concat([a, b]))}` };
  }
  const integer = (half: Buffer) => {
    const positive = (half[0] ?? 0) > 127 ? Buffer.concat([Buffer.of(0), half]) : half;
    return Buffer.concat([Buffer.of(2, positive.length), positive]);
  };
  const integers = Buffer.concat([integer(r), integer(s)]);
  const der = Buffer.concat([Buffer.of(0x30, integers.length), integers]);
  yield { name: "signature in DER", token: `${input}.${encode(der)}` };
  yield { name: "signature in DER, in hex", token: `${input}.${der.toString("hex")}` };
}

const ed25519Order = 2n ** 252n + 27742317777372353535851937790883648493n;

function* eddsaSignatures({ good }: PubliclyKnown): Iterable<Forgery> {
  const [header, payload, signature] = split(good);
  const bytes = decode(signature);
  const [r, s] = [bytes.subarray(0, 32), bytes.subarray(32)];
  const word = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex").reverse();
  const value = BigInt(`0x${Buffer.from(s).reverse().toString("hex")}`);
  const pairs: [string, Buffer, Buffer][] = [
    ["of S + L (RFC 8032 §8.4)", r, word(value + ed25519Order)],
    ["of L - S", r, word(ed25519Order - value)],
    ["of zeros", word(0n), word(0n)],
    ["of the identity and zero", word(1n), word(0n)],
    ["of a point of order 2 and zero", word(2n ** 255n - 20n), word(0n)],
    ["S zero", r, word(0n)],
    ["S L", r, word(ed25519Order)],
    ["R with its sign changed", Buffer.from([...r.subarray(0, 31), (r[31] ?? 0) ^ 0x80]), s],
    ["R and S exchanged", s, r],
  ];
  for (const [name, a, b] of pairs) {
    yield { name: `signature ${name}`, token: `${header}.${payload}.${encode(Buffer.concat([a, b]))}` };
  }
}

function* signatures({ good, other }: PubliclyKnown): Iterable<Forgery> {
  const [header, payload, signature] = split(good);
  const bytes = decode(signature);
  const forms: [string, string][] = [
    ["of another token", split(other)[2]],
    ["short of its last byte", encode(bytes.subarray(0, -1))],
    ["short of its first byte", encode(bytes.subarray(1))],
    ["short of its last character", signature.slice(0, -1)],
    ["of one half", encode(bytes.subarray(0, 32))],
    ["with a zero byte more", encode(Buffer.concat([bytes, Buffer.of(0)]))],
    ["with a zero byte in front", encode(Buffer.concat([Buffer.of(0), bytes]))],
    ["twice", encode(Buffer.concat([bytes, bytes]))],
    ["of ones", encode(Buffer.alloc(64, 0xff))],
    ["with one bit changed", encode(Buffer.from([...bytes.subarray(0, 63), (bytes[63] ?? 0) ^ 1]))],
    ["in hex", bytes.toString("hex")],
  ];
  for (const [name, form] of forms) {
    yield { name: `signature ${name}`, token: `${header}.${payload}.${form}` };
  }
}

function* parts({ good, other }: PubliclyKnown): Iterable<Forgery> {
  const [header, payload, signature] = split(good);
  const jws = { protected: header, payload, signature };
  const tokens: [string, string][] = [
    ["nothing", ""],
    ["dots only", ".."],
    ["one part", header],
    ["two parts", `${header}.${payload}`],
    ["two parts and a dot", `${header}.${payload}.`],
    ["four parts", `${good}.${signature}`],
    ["a dot at the end", `${good}.`],
    ["a dot in front", `.${good}`],
    [
      "five parts, as an encrypted one (RFC 7516)",
      `${header}.${signature}.${signature}.${payload}.${signature}`,
    ],
    ["five parts, four empty", `${header}....`],
    ["no header", `.${payload}.${signature}`],
    ["no payload (RFC 7515 appendix F)", `${header}..${signature}`],
    ["header and payload exchanged", `${payload}.${header}.${signature}`],
    ["payload of another token", `${header}.${split(other)[1]}.${signature}`],
    ["header twice", `${header}.${header}.${signature}`],
    ["truncated in the payload", good.slice(0, header.length + 20)],
    ["short of its first character", good.slice(1)],
    ["two tokens", `${good},${other}`],
    ["flattened JSON (RFC 7515 §7.2.2)", JSON.stringify(jws)],
    ["general JSON (RFC 7515 §7.2.1)", JSON.stringify({ payload, signatures: [jws] })],
    ["a token in a token", `${header}.${encode(good)}.${signature}`],
  ];
  for (const [name, token] of tokens) yield { name: `parts: ${name}`, token };
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Other texts of the same bytes: whoever takes them can be given one token under many names. */
function* encodings({ good }: PubliclyKnown): Iterable<Forgery> {
  const [header, payload, signature] = split(good);
  const spare = alphabet[alphabet.indexOf(signature.at(-1) ?? "") ^ 1];
  yield { name: "a spare bit of the signature", token: `${good.slice(0, -1)}${spare}` };
  for (const sign of ["=", "==", "\n", " ", "!", "\0", "*", "é"]) {
    const name = `${JSON.stringify(sign)}, which base64 decoders pass over, in the`;
    yield { name: `${name} header`, token: `${header}${sign}.${payload}.${signature}` };
    yield { name: `${name} payload`, token: `${header}.${payload}${sign}.${signature}` };
    yield { name: `${name} signature`, token: `${good}${sign}` };
    yield { name: `${name} signature's middle`, token: `${good.slice(0, -40)}${sign}${good.slice(-40)}` };
  }
  const standard = good.replaceAll("-", "+").replaceAll("_", "/");
  // Where the token has none of the two, the texts are the same.
  if (standard !== good) yield { name: "the other base64", token: standard };
  yield { name: "percent-encoded", token: good.replaceAll(".", "%2E") };
}

function* surroundings({ good }: PubliclyKnown): Iterable<Forgery> {
  for (const sign of [" ", "\n", "\r\n", "\t", "\0", "\uFEFF", "\u200B", "\u00A0", '"', "Bearer "]) {
    yield { name: `${JSON.stringify(sign)} in front`, token: `${sign}${good}` };
    yield { name: `${JSON.stringify(sign)} behind`, token: `${good}${sign}` };
  }
  yield { name: "spaces around the dots", token: good.replaceAll(".", " . ") };
  yield { name: "wide dots", token: good.replaceAll(".", "\uFF0E") };
  yield { name: "one-dot leaders", token: good.replaceAll(".", "\u2024") };
  yield { name: "a wide letter", token: good.replace("e", "\uFF45") };
  yield { name: "a Cyrillic letter", token: good.replace("e", "\u0435") };
  yield { name: "a letter with an accent", token: good.replace("e", "e\u0301") };
  yield { name: "a letter in another case", token: good.replace("e", "E") };
}

function* sizes({ good }: PubliclyKnown): Iterable<Forgery> {
  const [header, payload, signature] = split(good);
  const megabyte = 1 << 20;
  yield { name: "1 MB of one letter", token: "A".repeat(megabyte) };
  yield { name: "1 MB of dots", token: ".".repeat(megabyte) };
  yield { name: "1 MB behind", token: good + "A".repeat(megabyte) };
  yield { name: "1 MB of payload", token: `${header}.${"A".repeat(megabyte)}.${signature}` };
  yield { name: "1 MB of signature", token: `${header}.${payload}.${"A".repeat(megabyte)}` };
  yield { name: "a deep header", token: `${encode("[".repeat(2_000))}.${payload}.${signature}` };
}
