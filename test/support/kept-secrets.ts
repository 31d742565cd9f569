/** What a process may never write, by its form: tokens, keys, hashes of passwords, private keys, a URL with a password. */
const forms: Readonly<Record<string, RegExp>> = {
  "a refresh token": /rt1_[\w-]{72}/,
  "a key of a service account": /auth_sa_[0-9A-Za-z]{70}/,
  "an access token": /eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{40,}/,
  "the hash of a password": /\$argon2id\$v=\d+\$|\$2[aby]\$\d\d\$[./\w]{53}/,
  "a private key": /-----BEGIN [A-Z ]*PRIVATE KEY|"d":"[\w-]{43}"/,
  "a URL with a password": /postgres(ql)?:\/\/[^\s:@/]*:[^\s@/]+@/,
};

/** What the output of a process shows that it must not: one of the forms, or one of the texts. */
export function secretsShown(output: string, texts: readonly string[] = []): string[] {
  const shown = Object.entries(forms).filter(([, form]) => form.test(output));
  return [
    ...shown.map(([name]) => name),
    ...texts.filter((text) => output.includes(text)).map(() => "a text that is secret"),
  ];
}
