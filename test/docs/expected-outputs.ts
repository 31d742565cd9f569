/** What each code block of a page prints, in the order of the blocks that are run. Each text or pattern must occur. */
export const expectedOutputs: Readonly<Record<string, readonly (readonly (string | RegExp)[])[]>> = {
  "README.md": [
    [/("email": "ada@example\.com".*){3}/s, '"displayName": "Ada"', /(STATE_ACTIVE.*){3}/s],
    [/("email":"edsger@example\.com".*){3}/s, /(STATE_ACTIVE.*){3}/s],
    [/email: 'edsger@example\.com', active: true/],
  ],
  "docs/api.md": [
    [
      "auth.v1.UserService",
      "auth.v1.AuthenticationService",
      "auth.v1.SessionService",
      "auth.v1.TokenService",
      "grpc.health.v1.Health",
      "rpc CreateUser",
      "message User",
    ],
    ['"username": "barbara"'],
    ['"rule": "PASSWORD_RULE_OWN_WORDS"', /"description": "\w/],
    ['"active": true', '"audience": "development"', '"state": "STATE_LIVE"', '"refreshToken": "rt1_'],
    ['"status": "SERVING"'],
    ["auth.v1.UserService/CreateUser", "auth.v1.AuthenticationService/VerifyPassword"],
    ['"email": "grace@example.com"', '"active": true', '"audience": "development"'],
    ['"state":"STATE_REVOKED"', '"endReason":"END_REASON_REVOKED"'],
    ['"keys":[{"kid":', '"jwks_uri":'],
    ["ok"],
  ],
  "docs/callers.md": [[]],
  "docs/command-line.md": [
    [/^ok +database .*\n/m, /\n\n(No problems found|0 failures, )/],
    [
      /^email +barbara@example\.com\n/m,
      /"state":"STATE_SUSPENDED".*"reason":"lost her phone"/,
      /^state +deleted\n/m,
    ],
    [/^ID +NAME +ROLES/m, /"users":\[/],
    [/^Key \S+ \(ES256\) is published/m, / ES256 +next /],
  ],
  "docs/import-and-export.md": [
    [/^1 user can be imported, 0 rows refused\.\n1 user imported, 0 rows refused\.\n\d+ users exported\.\n$/],
  ],
  "docs/operating.md": [[]],
  "docs/proxies.md": [[]],
  "docs/sessions-and-tokens.md": [
    [/"username":"alan"/],
    [/aud: 'development'/, /client_id: 'web'/],
    [/^[A-Za-z0-9+/]{43}=$/m],
  ],
};
