import { type Forgery, strangeKeyIds } from "./forged-access-tokens.ts";

/** Signs a header and a payload as they are: texts of JSON, or of something else. */
export type SignAnything = (header: string | Buffer, payload: string | Buffer) => string;

/** What our key itself has signed, and what still is no access token of ours: the signature is right in all of them. */
export function misSignedAccessTokens(good: string, sign: SignAnything): Forgery[] {
  const [headerText = "", payloadText = ""] = good
    .split(".")
    .map((part) => Buffer.from(part, "base64url").toString());
  return [
    ...headers(headerText).map(([name, header]) => ({
      name: `header: ${name}`,
      token: sign(header, payloadText),
    })),
    ...payloads(payloadText).map(([name, payload]) => ({
      name: `payload: ${name}`,
      token: sign(headerText, payload),
    })),
  ];
}

type Named = readonly [name: string, text: string | Buffer];
type Members = Record<string, unknown>;

function headers(text: string): Named[] {
  const header: Members = JSON.parse(text);
  const otherAlgorithm = header["alg"] === "ES256" ? "EdDSA" : "ES256";
  const changes: [string, Members][] = [
    ["typ JWT", { typ: "JWT" }],
    ["typ missing, as an ID token's", { typ: undefined }],
    ["typ in capitals", { typ: "AT+JWT" }],
    ["typ with application/", { typ: "application/at+jwt" }],
    ["typ of a logout token", { typ: "logout+jwt" }],
    ["typ of a proof", { typ: "dpop+jwt" }],
    ["typ an array", { typ: ["at+jwt"] }],
    ["typ null", { typ: null }],
    ["alg none", { alg: "none" }],
    ["alg missing", { alg: undefined }],
    ["alg of the other kind", { alg: otherAlgorithm }],
    ["alg in lower case", { alg: `${header["alg"]}`.toLowerCase() }],
    ["alg in an array", { alg: [header["alg"]] }],
    ["alg Ed25519 (RFC 9864)", { alg: "Ed25519" }],
    ["alg HS256", { alg: "HS256" }],
    ["cty of a nested token", { cty: "JWT" }],
    ["crit, empty", { crit: [] }],
    ["crit exp", { crit: ["exp"] }],
    ["crit of something unknown", { crit: ["https://attacker.example/x"], "https://attacker.example/x": 1 }],
    ["b64 false (RFC 7797)", { b64: false, crit: ["b64"] }],
    ["b64 false, not critical", { b64: false }],
    ["b64 true", { b64: true }],
    ["zip", { zip: "DEF" }],
    ["jwk", { jwk: { kty: "EC" } }],
    ["jku", { jku: "https://attacker.example/keys" }],
    ["x5u", { x5u: "https://attacker.example/keys" }],
    ["x5c", { x5c: ["MIIB"] }],
    ["exp", { exp: 9_999_999_999 }],
    ["enc", { enc: "A256GCM" }],
    ["a member more", { x: 1 }],
    ...strangeKeyIds
      .filter(([name]) => name !== "1 MB")
      .map(([name, kid]): [string, Members] => [`kid ${name}`, { kid }]),
  ];
  return [
    ...changes.map(([name, change]) => [name, JSON.stringify({ ...header, ...change })] as const),
    ...rewritings(text, ["alg", "typ", "kid"]),
    ["an object of __proto__", `{"__proto__":${text}}`],
  ];
}

const texts = ["iss", "sub", "aud", "jti", "client_id", "sid"];
const times = ["exp", "iat"];

function payloads(text: string): Named[] {
  const claims: Members = JSON.parse(text);
  const named: Named[] = [];
  const change = (name: string, changes: Members) =>
    named.push([name, JSON.stringify({ ...claims, ...changes })]);
  for (const claim of [...texts, ...times]) {
    change(`${claim} missing`, { [claim]: undefined });
    change(`${claim} null`, { [claim]: null });
    change(`${claim} in an array`, { [claim]: [claims[claim]] });
    change(`${claim} an object`, { [claim]: {} });
    change(`${claim} true`, { [claim]: true });
    change(`${claim} in capitals`, { [claim]: undefined, [claim.toUpperCase()]: claims[claim] });
  }
  for (const claim of texts) {
    change(`${claim} empty`, { [claim]: "" });
    change(`${claim} a number`, { [claim]: 1 });
  }
  for (const claim of times) {
    change(`${claim} a string`, { [claim]: `${claims[claim]}` });
    change(`${claim} empty`, { [claim]: "" });
    change(`${claim} negative`, { [claim]: -1 });
    change(`${claim} a fraction`, { [claim]: 9_999_999_999.5 });
    for (const number of [
      "NaN",
      "Infinity",
      "1e99",
      "1e400",
      "1e9",
      "-0",
      "09",
      "0x7fffffff",
      "9007199254740993",
    ]) {
      named.push([`${claim} ${number}`, text.replace(`"${claim}":${claims[claim]}`, `"${claim}":${number}`)]);
    }
    named.push([`${claim} 1.0`, text.replace(`${claims[claim]}`, `${claims[claim]}.0`)]);
  }
  change("client_id of 4,000 characters", { client_id: "x".repeat(4_000) });
  change("aud of two", { aud: [claims["aud"], "another"] });
  for (const extra of ["nbf", "scope", "admin", "cnf", "nonce", "auth_time", "act"]) {
    change(`a claim more, ${extra}`, { [extra]: 1 });
  }
  return [
    ...named,
    ...rewritings(text, [...texts, ...times]),
    ["__proto__ that has the claims", `{"__proto__":${text}}`],
    ["__proto__ besides", text.replace("{", '{"__proto__":{"admin":true},')],
  ];
}

/** JSON that says the same, or that parsers read differently (RFC 8725 §2.4, RFC 8259 §4). */
function rewritings(text: string, names: readonly string[]): Named[] {
  const members: Members = JSON.parse(text);
  const doubled = names.flatMap((name): Named[] => {
    const own = JSON.stringify(members[name]);
    return [
      [`${name} twice, another one first`, text.replace("{", `{"${name}":"x",`)],
      [`${name} twice, another one last`, text.replace(/}$/, `,"${name}":"x"}`)],
      [`${name} twice, the same`, text.replace("{", `{"${name}":${own},`)],
      [
        `${name} with an escape`,
        text.replace(`"${name}"`, `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"`),
      ],
    ];
  });
  return [
    ...doubled,
    ["in another order", JSON.stringify(Object.fromEntries(Object.entries(members).reverse()))],
    ["with spaces", JSON.stringify(members, undefined, 1)],
    ["with a line's end", `${text}\n`],
    ["with a byte order mark", `\uFEFF${text}`],
    ["with something behind", `${text}{}`],
    ["with a comment", text.replace("{", "{/**/")],
    ["with a comma more", text.replace(/}$/, ",}")],
    ["with bytes that are no UTF-8", Buffer.from(text.replace("{", '{"\xff":1,'), "latin1")],
    ["in UTF-16", Buffer.from(text, "utf16le")],
    ["in an array", `[${text}]`],
    ["in a string", JSON.stringify(text)],
    ["null", "null"],
    ["a number", "1"],
    ["an empty object", "{}"],
    ["an empty array", "[]"],
    ["nothing", ""],
    ["no JSON", "x"],
    ["deep", `${"[".repeat(1_000)}${"]".repeat(1_000)}`],
  ];
}
