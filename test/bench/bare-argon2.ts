/** The baseline of VerifyPassword: argon2id at the service's default cost, as many at once as there are cores. Prints hashes/s. */
import { availableParallelism } from "node:os";
import { hash, verify } from "@node-rs/argon2";

const seconds = Number(process.argv[2] ?? 3);
const password = "correct horse battery staple";
const passwordHash = await hash(password, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
let done = 0;

async function lane(endsAt: number): Promise<void> {
  for (; performance.now() < endsAt; done++) {
    if (!(await verify(passwordHash, password))) throw new Error("it does not match");
  }
}

const startedAt = performance.now();
const lanes = Array.from({ length: availableParallelism() }, () => lane(startedAt + seconds * 1_000));
await Promise.all(lanes);
process.stdout.write(String(done / ((performance.now() - startedAt) / 1_000)));
