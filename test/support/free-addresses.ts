import { once } from "node:events";
import { createServer } from "node:net";

/** Addresses that stay free between a stop and a start: below the ports that the system gives to clients. */
export async function freeAddresses(count: number): Promise<string[]> {
  const addresses: string[] = [];
  while (addresses.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, "close");
    addresses.push(`127.0.0.1:${port}`);
  }
  return addresses;
}
