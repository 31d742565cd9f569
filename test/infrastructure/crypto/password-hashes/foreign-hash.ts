/** A password and a hash that another implementation made of it. */
export interface ForeignHash {
  readonly name: string;
  readonly password: string;
  readonly hash: string;
}

export const from = (
  maker: string,
  ...hashes: readonly [name: string, password: string, hash: string][]
): ForeignHash[] =>
  hashes.map(([name, password, hash]) => ({ name: `${name}, from ${maker}`, password, hash }));

export const password = "correct horse battery staple";
export const umlauts = "Füße und Größe 71";
