import { createHash, createHmac, pbkdf2Sync, scryptSync } from "node:crypto";

/** What another system exports, and who can sign in after it was imported. */
export interface ForeignExport {
  readonly format: string;
  readonly options?: readonly string[];
  readonly text: string;
  /** Identifiers and passwords. */
  readonly signIns: readonly (readonly [identifier: string, password: string])[];
  /** Users that are disabled in the other system. */
  readonly suspended: readonly string[];
  readonly refused: readonly (readonly [line: number, reason: string])[];
  /** What the imported users had there and do not have here, by kind. */
  readonly notImported?: Readonly<Record<string, number>>;
  /** Ids that are not valid here, by the attribute that keeps them. */
  readonly keptAs?: Readonly<Record<string, number>>;
  /** Users as they are found, by username or email. */
  readonly found: Readonly<Record<string, object>>;
}

const password = "correct horse battery staple";
const salt = Buffer.from("0123456789abcdef");
/** Of Ory Kratos' tests. */
const bcryptOfTest = "$2a$12$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6";
const argon2OfTest = "$argon2id$v=19$m=32,t=2,p=4$cm94YnRVOW5jZzFzcVE4bQ$MNzk5BtR2vUhrp6qQEjRNw";

const keycloakPassword = (iterations: number, digest = "sha512") => ({
  id: "6e8d3c2a-1f0b-4f7e-9a53-2c0f2d9d1f11",
  type: "password",
  createdDate: 1_690_000_000_000,
  secretData: JSON.stringify({
    value: pbkdf2Sync(password, salt, iterations, 64, digest).toString("base64"),
    salt: salt.toString("base64"),
    additionalParameters: {},
  }),
  credentialData: JSON.stringify({
    hashIterations: iterations,
    algorithm: `pbkdf2-${digest}`,
    additionalParameters: {},
  }),
});

export const foreignExports: readonly ForeignExport[] = [
  {
    format: "keycloak",
    options: ["--with-attributes"],
    text: JSON.stringify(
      {
        id: "0b6f6c1e-8f5b-4c1a-9a55-0d6c3a6f7a10",
        realm: "shop",
        enabled: true,
        clients: [{ clientId: "web", users: ["not a user"] }],
        users: [
          {
            id: "d2f7b1f0-7a39-4a1f-8f67-93a8f4f5c001",
            createdTimestamp: 1_420_167_845_678,
            username: "kc-ada@example.com",
            email: "kc-ada@example.com",
            emailVerified: true,
            enabled: true,
            firstName: "Ada",
            lastName: "Lovelace",
            attributes: { locale: ["en"] },
            credentials: [{ type: "otp", secretData: "{}", credentialData: "{}" }, keycloakPassword(210_000)],
            realmRoles: ["default-roles-shop"],
          },
          {
            id: "f:9f3c:77",
            username: "kc-grace",
            enabled: false,
            credentials: [keycloakPassword(27_500, "sha256")],
          },
          { username: "kc-eve", attributes: { favouriteColour: ["red"] } },
          { username: "kc-mallory", credentials: [keycloakPassword(1), { type: "password" }].slice(1) },
        ],
      },
      undefined,
      2,
    ),
    signIns: [["kc-ada@example.com", password]],
    suspended: ["kc-grace"],
    refused: [
      [60, "INVALID_REQUEST"],
      [68, "PASSWORD_HASH_UNACCEPTABLE"],
    ],
    notImported: { "one-time password secrets": 1, roles: 1, "verified flags": 1 },
    keptAs: { keycloak_id: 1 },
    found: {
      "kc-ada@example.com": {
        id: "d2f7b1f0-7a39-4a1f-8f67-93a8f4f5c001",
        username: "",
        displayName: "Ada Lovelace",
        attributes: { locale: "en" },
      },
    },
  },
  {
    format: "kratos",
    text: JSON.stringify([
      {
        id: "9f425a8d-7efc-4768-8f23-7647a74fdf13",
        schema_id: "default",
        state: "active",
        created_at: "2021-03-04T05:06:07.123456Z",
        traits: { email: "kr-ada@example.com", name: { first: "Ada", last: "Lovelace" } },
        credentials: {
          password: {
            type: "password",
            identifiers: ["kr-ada@example.com"],
            config: { hashed_password: argon2OfTest },
          },
        },
      },
      {
        id: "9f425a8d-7efc-4768-8f23-7647a74fdf14",
        state: "inactive",
        traits: { username: "kr-grace" },
        credentials: { password: { config: { hashed_password: bcryptOfTest } } },
      },
      {
        id: "9f425a8d-7efc-4768-8f23-7647a74fdf15",
        traits: { email: "kr-eve@example.com" },
        credentials: {
          password: { config: { hashed_password: argon2OfTest.replace("m=32", "m=4194304") } },
        },
      },
      "nobody",
    ]),
    signIns: [["kr-ada@example.com", "test"]],
    suspended: ["kr-grace"],
    refused: [
      [1, "PASSWORD_HASH_UNACCEPTABLE"],
      [1, "INVALID_REQUEST"],
    ],
    found: {
      "kr-ada@example.com": { id: "9f425a8d-7efc-4768-8f23-7647a74fdf13", displayName: "Ada Lovelace" },
    },
  },
  {
    format: "auth0",
    text: [
      {
        _id: { $oid: "60425dc43519d90068f82973" },
        email: "a0-ada@example.com",
        email_verified: false,
        name: "Ada Lovelace",
        user_id: "auth0|60425dc43519d90068f82973",
        passwordHash: bcryptOfTest,
        password_set_date: { $date: "2021-03-05T16:33:43.394Z" },
        tenant: "shop",
        connection: "Username-Password-Authentication",
        created_at: "2021-03-05T16:33:40.000Z",
      },
      { username: "a0-grace", passwordHash: bcryptOfTest, blocked: true },
      custom("a0-md5@example.com", {
        algorithm: "md5",
        hash: { value: createHash("md5").update(password).digest("hex"), encoding: "hex" },
      }),
      custom("a0-sha256@example.com", {
        algorithm: "sha256",
        hash: {
          value: createHash("sha256").update(`${password}pepper-salt`).digest("base64"),
          encoding: "base64",
        },
        salt: { value: "pepper-salt", encoding: "utf8", position: "suffix" },
      }),
      custom("a0-hmac@example.com", {
        algorithm: "hmac",
        hash: {
          value: createHmac("sha256", "key of theirs").update(password).digest("hex"),
          encoding: "hex",
          digest: "sha256",
          key: { value: "key of theirs", encoding: "utf8" },
        },
      }),
      custom("a0-scrypt@example.com", {
        algorithm: "scrypt",
        hash: { value: scryptSync(password, salt, 64).toString("hex"), encoding: "hex" },
        salt: { value: salt.toString("base64"), encoding: "base64" },
        keylen: 64,
      }),
      custom("a0-md4@example.com", { algorithm: "md4", hash: { value: "00", encoding: "hex" } }),
    ]
      .map((user) => JSON.stringify(user))
      .concat('{"email":"a0-cut@exam')
      .join("\r\n"),
    signIns: [
      ["a0-ada@example.com", "test"],
      ["a0-md5@example.com", password],
      ["a0-sha256@example.com", password],
      ["a0-hmac@example.com", password],
      ["a0-scrypt@example.com", password],
    ],
    suspended: ["a0-grace"],
    refused: [
      [7, "PASSWORD_HASH_UNACCEPTABLE"],
      [8, "INVALID_REQUEST"],
    ],
    notImported: { "verified flags": 4 },
    keptAs: { auth0_user_id: 1 },
    found: {
      "a0-ada@example.com": {
        displayName: "Ada Lovelace",
        attributes: { auth0_user_id: "auth0|60425dc43519d90068f82973" },
      },
    },
  },
  {
    format: "firebase",
    text: JSON.stringify({
      users: [
        {
          localId: "2XN5OHKYOBXZXGOBOKNBYIJZN0I2",
          email: "fb-ada@example.com",
          emailVerified: true,
          passwordHash:
            "xbSou7FOl6mChCyzpCPIQ7tku7nsQMTFtyOZSXXd7tjBa4NtimOx7v42Gv2SfzPQu1oxM2_k4SsbOu73wlKe1A==",
          salt: "sPtDhWcd1MfdAw==",
          displayName: "Ada",
          lastSignedInAt: "1646124112000",
          createdAt: "1646124112000",
          disabled: false,
          providerUserInfo: [],
        },
        { localId: "b", email: "fb-grace@example.com", createdAt: "1646124112000", disabled: true },
        { localId: "c", phoneNumber: "+15555550100" },
      ],
    }),
    signIns: [["fb-ada@example.com", "8x4WjoDbSxJZdR"]],
    suspended: ["fb-grace@example.com"],
    refused: [[1, "INVALID_REQUEST"]],
    notImported: { "verified flags": 1 },
    keptAs: { firebase_uid: 2 },
    found: { "fb-ada@example.com": { attributes: { firebase_uid: "2XN5OHKYOBXZXGOBOKNBYIJZN0I2" } } },
  },
  {
    format: "csv",
    text: `\uFEFFid,email,username,display_name,password_hash,create_time,suspend_reason,attributes.team
,csv-ada@example.com,,"Lovelace, ""Ada""",${bcryptOfTest},2015-01-02T03:04:05Z,,engines
,,csv-grace,,,,left,
,,CSV-grace,,,,,
`,
    signIns: [["csv-ada@example.com", "test"]],
    suspended: ["csv-grace"],
    refused: [[4, "USERNAME_TAKEN"]],
    found: { "csv-ada@example.com": { displayName: 'Lovelace, "Ada"', attributes: { team: "engines" } } },
  },
];

/** `hash_config` of the project that the Firebase export is of, as the console shows it. */
export const firebaseParameters = `hash_config {
  algorithm: SCRYPT,
  base64_signer_key: YE0dO4bwD4JnJafh6lZZfkp1MtKzuKAXQcDCJNJNyeCHairWHKENOkbh3dzwaCdizzOspwr/FITUVlnOAwPKyw==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}
`;

/** A user of Auth0's bulk import. */
function custom(email: string, hash: object) {
  return { email, email_verified: true, custom_password_hash: hash };
}
