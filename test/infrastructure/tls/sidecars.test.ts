import { expect, test } from "vitest";
import { isNetwork, Sidecars } from "../../../src/infrastructure/tls/sidecars.ts";

const sidecars = new Sidecars(["127.0.0.6", "10.1.0.0/16", "fd00::/8", "::1"]);
const peer = (address: string) => ({ address, certificate: undefined });

test.each(["127.0.0.6", "10.1.2.3", "fd12::1", "::1"])("%s is one", (address) => {
  expect(sidecars.includes(peer(address))).toBe(true);
});

test.each(["127.0.0.1", "10.2.0.1", "fe80::1", "::2", "", "localhost", "127.0.0.6 "])(
  "%j is none",
  (address) => {
    expect(sidecars.includes(peer(address))).toBe(false);
  },
);

test("where none is configured, nobody is one", () => {
  expect(new Sidecars([]).includes(peer("127.0.0.1"))).toBe(false);
});

test.each(["10.0.0.0/8", "::1", "fd00::/128", "127.0.0.1/32"])("%s is a network", (text) => {
  expect(isNetwork(text)).toBe(true);
});

test.each([
  "",
  "localhost",
  "10.0.0.0/33",
  "::/129",
  "10.0.0.0/",
  "10.0.0/8",
  "10.0.0.0/8/8",
  "fe80::1%eth0",
  "1.2.3.4/x",
])("%j is no network", (text) => expect(isNetwork(text)).toBe(false));
