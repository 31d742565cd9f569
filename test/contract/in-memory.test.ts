import { InMemoryRepository } from "../support/in-memory-repository.ts";
import { relationalRepositoryContract } from "./relational-repository-contract.ts";

relationalRepositoryContract("in memory", async () => {
  const repository = new InMemoryRepository();
  return {
    repository,
    seedSessions: async (like, count) => repository.seedSessions(like, count),
    close: async () => {},
  };
});
