import { InMemoryRepository } from "../support/in-memory-repository.ts";
import { relationalRepositoryContract } from "./relational-repository-contract.ts";

relationalRepositoryContract("in memory", async () => ({
  repository: new InMemoryRepository(),
  close: async () => {},
}));
