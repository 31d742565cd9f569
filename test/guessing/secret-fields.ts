import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { serviceDescriptors } from "../../src/interfaces/rpc/routes.ts";
import {
  authenticate,
  changePassword,
  type Guess,
  verifyByEmail,
  verifyPassword,
  verifySpelledOtherwise,
} from "./guesses.ts";

/**
 * What a secret in a request is. A proof is compared with what is stored of a person, so that it can be guessed, and each
 * guess has to be counted. Something new is compared with nothing that is kept. A token has 256 bits of chance.
 */
export type SecretField = "new" | "token" | "no secret" | { readonly proof: readonly Guess[] };

/** Every field of a request that holds a secret. A field that is not here fails every-secret.test.ts. */
export const secretFields: Readonly<Record<string, SecretField>> = {
  "UserService/CreateUser: password": "new",
  "UserService/ListUsers: page_token": "no secret",
  "AuthenticationService/VerifyPassword: password": {
    proof: [verifyPassword, verifyByEmail, verifySpelledOtherwise],
  },
  "AuthenticationService/VerifyPassword: device_token": "token",
  "AuthenticationService/Authenticate: device_token": "token",
  "AuthenticationService/Authenticate: password": { proof: [authenticate] },
  "AuthenticationService/ValidatePassword: password": "new",
  "AuthenticationService/SetPassword: password": "new",
  "AuthenticationService/ChangePassword: current_password": { proof: [changePassword] },
  "AuthenticationService/ChangePassword: new_password": "new",
  "UserService/UnlockUsers: page_token": "no secret",
  "SessionService/ListSessions: page_token": "no secret",
  "SessionService/RefreshSession: refresh_token": "token",
  "TokenService/IntrospectToken: token": "token",
  "TokenService/BatchIntrospectTokens: tokens": "token",
  "ServiceAccountService/ListServiceAccounts: page_token": "no secret",
  "EventService/ListEvents: page_token": "no secret",
  "UserTransferService/ImportUsers: users.password_hash": "new",
  "UserTransferService/ExportUsers: page_token": "no secret",
  "UserTransferService/ExportUsers: include_password_hashes": "no secret",
};

/** The fields of all requests that are marked as secrets (`debug_redact`), or called like one. */
export function foundSecretFields(): string[] {
  return serviceDescriptors.flatMap((service) =>
    service.methods.flatMap((method) =>
      fieldsIn(method.input)
        .filter(({ field }) => isMarked(field) || calledLikeASecret.test(field.name))
        .map(({ path }) => `${service.name}/${method.name}: ${path}`),
    ),
  );
}

const calledLikeASecret = /password|passphrase|secret|token|otp|pin$|code|proof|assertion|credential/;

function isMarked(field: DescField): boolean {
  return field.proto.options?.debugRedact === true;
}

/** The fields of a message and of those in it. */
function fieldsIn(
  message: DescMessage,
  above: readonly DescMessage[] = [],
): { path: string; field: DescField }[] {
  if (above.includes(message)) return [];
  return message.fields.flatMap((field) => [
    { path: field.name, field },
    ...(field.message === undefined
      ? []
      : fieldsIn(field.message, [...above, message]).map((inner) => ({
          ...inner,
          path: `${field.name}.${inner.path}`,
        }))),
  ]);
}

/** Every guess at a proof. */
export const proofs: readonly (readonly [field: string, guess: Guess])[] = Object.entries(
  secretFields,
).flatMap(([field, kind]) =>
  typeof kind === "string" ? [] : kind.proof.map((guess) => [field, guess] as const),
);
