import { expect, test } from "vitest";
import { meansNoPassword } from "../../../../src/infrastructure/crypto/password-hashes/no-password.ts";
import { foreignHashes } from "./foreign-hashes.ts";

const hash =
  "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";

test.each([
  ["of shadow(5)", "!"],
  ["of shadow(5) without a password", "*"],
  ["of Red Hat", "!!"],
  ["of useradd", "!*"],
  ["of a locked account", `!${hash}`],
  ["of a locked account of Red Hat", `!!${hash}`],
  ["of FreeBSD", `*LOCKED*${hash}`],
  ["of Solaris", "*LK*"],
  ["of Solaris, behind a hash", `*LK*${hash}`],
  ["of Solaris without a password", "NP"],
  ["of crypt(5)", "*0"],
  ["of Django", "!ETh9fPRyYjvHEGbNnUZxWdFWqFVFAQXBjWvfnFRp"],
  ["of LDAP", "{CRYPT}!"],
  ["of a locked account of LDAP", `{crypt}!${hash}`],
  ["with blanks", " !\n"],
])("a marker %s means that there is no password", (_name, text) => {
  expect(meansNoPassword(text)).toBe(true);
});

test("no hash, no placeholder for one and no password does", () => {
  for (const text of ["", "x", "secret!", "NPC", "{bcrypt}!", `*${"2470C0C06D".repeat(4)}`]) {
    expect([text, meansNoPassword(text)]).toEqual([text, false]);
  }
  for (const each of foreignHashes) expect(meansNoPassword(each.hash)).toBe(false);
});
