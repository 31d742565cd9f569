/** Users who move in, with the bcrypt hashes that they bring along. */
export interface Mover {
  readonly email: string;
  readonly username: string;
  readonly displayName: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly passwordHash: string;
}

export const batchRows = 500;

/** So many batches; one import may have 20. Those of another name have other identifiers. */
export function batchesOf(name: string, batches: number): Mover[][] {
  return Array.from({ length: batches }, (_, batch) =>
    Array.from({ length: batchRows }, (_, row) => {
      const username = `ada.${name}.${batch * batchRows + row}`;
      return {
        email: `${username}@example.com`,
        username,
        displayName: "Ada Lovelace",
        attributes: { team: "engines" },
        passwordHash: "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
      };
    }),
  );
}
