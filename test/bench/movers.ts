/** Users who move in, with the bcrypt hashes that they bring along. */
export interface Mover {
  readonly email: string;
  readonly username: string;
  readonly displayName: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly passwordHash: string;
}

export const batchRows = 500;
const batches = 20;

/** As many as one import may have, in batches. Those of another name have other identifiers. */
export function batchesOf(name: string): Mover[][] {
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
