import { type ForeignHash, from, password, umlauts } from "./foreign-hash.ts";

/** The passwords of vectors/SpringVectors.java, whose output this is. MD4 is in refused-hashes.test.ts. */
export const springHashes: readonly ForeignHash[] = [
  ...from(
    "spring-security-crypto 6.5.1",
    ["bcrypt", password, "{bcrypt}$2a$04$nVUqWlnNKYoQbLtWNMM.7eDnwf3DdwiXr67q8AGQW0rEHbnwLT1je"],
    ["bcrypt of UTF-8", umlauts, "{bcrypt}$2a$04$P3L8HR6EjSwnh1krnYEoEu9849zaRzLgikEZhzTsDueaLJYbAl7Uy"],
    ["bcrypt 2b", password, "{bcrypt}$2b$04$FufL4c1IoaSRKbBS7PpYmumBZbtGllpmOd25iskRLgjSI7GEAhSZC"],
    ["bcrypt 2b of UTF-8", umlauts, "{bcrypt}$2b$04$XShElDjKDoAxBRZQXUGexeYNW6Wuh8vOVifqYYIQYAj/XWxGN1fXe"],
    ["ldap", password, "{ldap}{SSHA}wh9nOF2se6MOmNukI4YBsfiMLGC7S1+GGrfRSQ=="],
    ["ldap of UTF-8", umlauts, "{ldap}{SSHA}yr/JLmOPSrPr0wCWdjQ5yfGtWauyp80adFItJQ=="],
    ["MD5", password, "{MD5}{tdJccTUp4ogCFqbQtvQ9cOXG8xbzL25GNPK7sbZEHXA=}435a82dadd2d6e638d04432b062fdfe7"],
    [
      "MD5 of UTF-8",
      umlauts,
      "{MD5}{Ge0ChGX3kBdBHA2jz85zZSmPUI/a1k8eMjf+jIJEjjs=}7af614ac60b9789693af55fad5a60714",
    ],
    [
      "pbkdf2",
      password,
      "{pbkdf2}77e618e69d85865ade421cc1a6fc8dbdf7d8339f63456afdf84047596caa36ad036811756ec1b6e0",
    ],
    [
      "pbkdf2 of UTF-8",
      umlauts,
      "{pbkdf2}bf4bdf8f53caf824883bf9a256683a0a50189a366b787898f8775f35928a98614bc273a3174c3ffb",
    ],
    [
      "pbkdf2@SpringSecurity_v5_8",
      password,
      "{pbkdf2@SpringSecurity_v5_8}32bcd589b11814aa45fc8f0a8e3289d72764d9a69a2a709de73803ec9dd0907809a1ebc0c9c98e648cd1f30d1488e923",
    ],
    [
      "pbkdf2@SpringSecurity_v5_8 of UTF-8",
      umlauts,
      "{pbkdf2@SpringSecurity_v5_8}536803f4d7657637154077debb4b695be269bef3a57e0cb0320f673550efa4df7bad8bbb9424f55850f8cd5bcc4732c5",
    ],
    [
      "pbkdf2@SpringSecurity_v5_8 in base64",
      password,
      "{pbkdf2@SpringSecurity_v5_8}QFyYCH0kyShvni+jA5hI6Js/OTID+CVPPfAxcCv0ig3ijZuywBNzo89jqJy+vqux",
    ],
    [
      "pbkdf2@SpringSecurity_v5_8 in base64 of UTF-8",
      umlauts,
      "{pbkdf2@SpringSecurity_v5_8}kkkVxtylB/kiB2ZjHVeh5Uj3ZqN7kB4dhy6A1Lbpeh5lPYzu7SRk08+AlMP2xcyk",
    ],
    [
      "scrypt",
      password,
      "{scrypt}$e0801$XDWjueHxvvbhvkrC72PzQjI28UlXYruWHvT5SDTiTR2vhqS2cLJZuP+8y2gLNKhfG7VRDolk5vptmzuflSjkiQ==$2fz7nLCVo4O4J+Fj1B/fT5qKFZb6BUY2l1mOOyB/VT4=",
    ],
    [
      "scrypt of UTF-8",
      umlauts,
      "{scrypt}$e0801$a5PftUEYEkj2K+AYyYyQWH7fNqig8pIT+cYggLZ3jiyqvWEemp9Frzu7YRXcnVB3SK0ovemvhYKErzOO+xuvrQ==$lhZegWm4bj9eSJ5cEN2ZuTKw0uAy69WEVlHREy5bB64=",
    ],
    [
      "scrypt@SpringSecurity_v5_8",
      password,
      "{scrypt@SpringSecurity_v5_8}$100801$uAnQzpq6ouTJmwVBxSjNVA==$RVt6duoQCRjWxkhSW+qj3gGPnHuGtQqWt+Ifq2oi8ik=",
    ],
    [
      "scrypt@SpringSecurity_v5_8 of UTF-8",
      umlauts,
      "{scrypt@SpringSecurity_v5_8}$100801$CENLBTBlEjKSneMLTWX/rA==$xBL1fRLl2JsHyjZQsYrvpyJXD8uehVDzsPt8iQUxZT4=",
    ],
    [
      "SHA-1",
      password,
      "{SHA-1}{QDFW6vbB6VjmKhJaGEZ5QLgoJkBoqZMHTKvaP++BPVM=}3efd2739772ac9c889b8b1f3eff56eb120acaa7d",
    ],
    [
      "SHA-1 of UTF-8",
      umlauts,
      "{SHA-1}{Xj7vQ4B4c+leMHSfjNnfAkkNSTN85zRctiMQOHHbP9s=}05a04057bb42153625a9089e0aa46cdff2b0e53c",
    ],
    [
      "SHA-256",
      password,
      "{SHA-256}{gLy7xUw9kaPRBOPLter9Lk9eRdhnCMTL9zS8MEEJhEs=}14a5314f245f51a1d8b8601e68efb1fb863d58e8717e6ce57e567e4f97d3d41e",
    ],
    [
      "SHA-256 of UTF-8",
      umlauts,
      "{SHA-256}{1aUQK2U30j6XmLeIM8heoPbGv2Y/1KpxA9F0zT6jx/0=}6c9286a9d2adbce7d5b8608949eba24002db95b7372571c3ec18a7e65036ca3f",
    ],
    [
      "SHA-256 in base64",
      password,
      "{SHA-256}{+aOn/sogcz+Tqq0/7LO2gOCZljlP45nPSK5loBvVZQ8=}j8IBGFWYxpCSjx6g2xdJQWqiFEYgLIXEX77OPPe4a9E=",
    ],
    [
      "SHA-256 in base64 of UTF-8",
      umlauts,
      "{SHA-256}{IajVYPrErs/EQFQImm6jGYuz5ahuZBtEGYZnuk8h8fQ=}eJaQzQ89Lh/y6o4Az8iAWCTy9UxKWTWj8XFBWFoY/8U=",
    ],
    [
      "sha256",
      password,
      "{sha256}d1d5be489c33d662cac9e06566678a2505fcfeec8f4d5c386ba860b90ad0648837dddaa2b9138636",
    ],
    [
      "sha256 of UTF-8",
      umlauts,
      "{sha256}3981556212690091616d0829e32d61516825b34fd3bbab916d8189a1c2427ac39b4e139f17e7be49",
    ],
    [
      "argon2",
      password,
      "{argon2}$argon2id$v=19$m=4096,t=3,p=1$8JIdc6pGILvloZ+N+nhkaQ$HnQL0V4d9rI7F5/eiGCx2pWThQp5Ms9gz4hq9zO8xyI",
    ],
    [
      "argon2 of UTF-8",
      umlauts,
      "{argon2}$argon2id$v=19$m=4096,t=3,p=1$x1FuloRIIyicOmpNczog1Q$n8c+L4bBZ5Dx6AJ0l6N5r1MSKIJWbzUBdl3x4B9xBpU",
    ],
    [
      "argon2@SpringSecurity_v5_8",
      password,
      "{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=16384,t=2,p=1$hvwb3HxKfMwxtlF14OOo7w$7TsURDYElz1JuwoCit+xncVfSm3j3byRFh0HvNmL77o",
    ],
    [
      "argon2@SpringSecurity_v5_8 of UTF-8",
      umlauts,
      "{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=16384,t=2,p=1$nJ0FyYyguEHftDhETV08Uw$PdIoFaP+ReQtxaY2De+9s7aE708IDBaFh5RsUAugfzI",
    ],
  ),
  ...from(
    "at.favre.lib:bcrypt 0.10.2, in the credential of Keycloak's bcrypt provider",
    [
      "bcrypt",
      password,
      '{"type":"password","secretData":"{\\"value\\":\\"$2y$05$3Ji9etaJB9WOwLz.OVdKK.1G5uf7V9SI2fWzRAaAe5fPcGK7sb6pG\\",\\"salt\\":\\"\\",\\"additionalParameters\\":{}}","credentialData":"{\\"hashIterations\\":5,\\"algorithm\\":\\"bcrypt\\",\\"additionalParameters\\":{}}"}',
    ],
    [
      "bcrypt of UTF-8",
      umlauts,
      '{"type":"password","secretData":"{\\"value\\":\\"$2y$05$rwfyRKgjgKJC/wocXEHvAuV6FDSfGyYFbUaIlikC.dLNDVM3B/xr6\\",\\"salt\\":\\"\\",\\"additionalParameters\\":{}}","credentialData":"{\\"hashIterations\\":5,\\"algorithm\\":\\"bcrypt\\",\\"additionalParameters\\":{}}"}',
    ],
  ),
  ...from(
    "org.mindrot:jbcrypt 0.4, in the credential of Keycloak's bcrypt provider",
    [
      "bcrypt",
      password,
      '{"type":"password","secretData":"{\\"value\\":\\"$2a$05$iFmReDBrsAchoIFL2.ckcucpfM5v4rXjwedw7z3RbztwjX95OJQwa\\",\\"salt\\":\\"\\",\\"additionalParameters\\":{}}","credentialData":"{\\"hashIterations\\":5,\\"algorithm\\":\\"bcrypt\\",\\"additionalParameters\\":{}}"}',
    ],
    [
      "bcrypt of UTF-8",
      umlauts,
      '{"type":"password","secretData":"{\\"value\\":\\"$2a$05$8hgLHTAkGvTbqc4Ara9Pj.iaE0.2gh.B6luKa4ZRvAgDkcyjvOJji\\",\\"salt\\":\\"\\",\\"additionalParameters\\":{}}","credentialData":"{\\"hashIterations\\":5,\\"algorithm\\":\\"bcrypt\\",\\"additionalParameters\\":{}}"}',
    ],
  ),
];
