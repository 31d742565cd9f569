import { expect, test } from "vitest";
import { networkOf } from "../../../src/domain/throttle/network.ts";

test.each([
  ["192.0.2.7", "192.0.2.0/24"],
  ["192.0.2.255", "192.0.2.0/24"],
  ["192.0.3.7", "192.0.3.0/24"],
  // An IPv4 address in whatever way it is written.
  ["::ffff:192.0.2.7", "192.0.2.0/24"],
  ["::FFFF:c000:0207", "192.0.2.0/24"],
  ["0:0:0:0:0:ffff:192.0.2.9", "192.0.2.0/24"],
  ["2001:db8:1:200::1", "2001:db8:1:200::/56"],
  ["2001:db8:1:2ff:ffff::", "2001:db8:1:200::/56"],
  ["2001:0DB8:0001:0300::", "2001:db8:1:300::/56"],
  ["2001:db8::192.0.2.7", "2001:db8:0:0::/56"],
  ["fe80::1%eth0", "fe80:0:0:0::/56"],
  ["::", "0:0:0:0::/56"],
  ["1:2:3:4:5:6:7:8", "1:2:3:0::/56"],
])("%s is counted with %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each(["", "ada", "192.0.2", "192.0.2.256", "1.2.3.4.5", "1::2::3", "1:2:3", "12345::", "::1.2.3.256"])(
  "%s is no address",
  (text) => {
    expect(networkOf(text)).toBeUndefined();
  },
);
