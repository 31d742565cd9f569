import { createServer } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { bind, ListenError } from "../../../src/infrastructure/sockets/listen.ts";

async function bound(address: string) {
  const result = await bind(address, () => createServer());
  onTestFinished(() => {
    for (const server of result.servers) {
      server.close();
    }
  });
  return result;
}

it("binds a name on all addresses it has, with one port", async () => {
  const { address, servers } = await bound("localhost:0");
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  expect(new Set(ports).size).toBe(1);
  expect(address).toBe(`localhost:${ports[0]}`);
});

it.each([
  ["127.0.0.1", "expected host:port"],
  ["127.0.0.1:", "expected host:port"],
  [":50051", "expected host:port"],
  ["127.0.0.1:http", "expected host:port"],
  ["127.0.0.1:65536", "expected host:port"],
  ["::1:50051", "expected host:port"],
  ["[127.0.0.1]:50051", "expected host:port"],
  ["", "expected host:port"],
  ["no-such-host.invalid:0", /unknown host name|cannot be resolved/],
  ["192.0.2.1:0", "not an address of this machine"],
])("refuses %j", async (address, reason) => {
  const attempt = bound(address);
  await expect(attempt).rejects.toThrow(ListenError);
  await expect(attempt).rejects.toThrow(`cannot listen on ${address}: `);
  await expect(attempt).rejects.toThrow(reason);
});

it("leaves nothing listening where one of a name's addresses is in use", async () => {
  const { address, servers } = await bound("localhost:0");
  const last = servers.at(-1);
  for (const server of servers.slice(0, -1)) {
    await new Promise((resolve) => server.close(resolve));
  }
  await expect(bound(address)).rejects.toThrow("address already in use");
  await new Promise((resolve) => last?.close(resolve));
  expect((await bound(address)).servers).toHaveLength(servers.length);
});
