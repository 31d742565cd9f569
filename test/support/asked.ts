import type { InMemoryRepository } from "./in-memory-repository.ts";

/** One question to a repository: "sessions.statuses" with its arguments, or "transaction". */
export interface Asked {
  readonly what: string;
  readonly about: readonly unknown[];
}

/** What a repository is asked from now on, but within transactions. */
export function askedOf(repository: InMemoryRepository): Asked[] {
  const asked: Asked[] = [];
  const { read, statement, transaction } = repository;
  repository.read = (call) => noted(read.call(repository, call), asked);
  repository.statement = (call) => noted(statement.call(repository, call), asked);
  repository.transaction = (call, work) => {
    asked.push({ what: "transaction", about: [] });
    return transaction.call(repository, call, work) as ReturnType<typeof work>;
  };
  return asked;
}

type Method = (...about: unknown[]) => unknown;

function noted<Parts extends object>(parts: Parts, asked: Asked[]): Parts {
  const note = (what: string, method: Method): Method => {
    return (...about) => {
      asked.push({ what, about });
      return method(...about);
    };
  };
  const notedPart = (name: string, part: Record<string, Method>) =>
    Object.fromEntries(Object.entries(part).map(([method, f]) => [method, note(`${name}.${method}`, f)]));
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, notedPart(name, part)]),
  ) as Parts;
}
