import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { BreachedPasswordRangeApi } from "../../../src/infrastructure/passwords/ranged-breached-passwords.ts";
import { aCall, aCancellableCall } from "../../support/calls.ts";

const password = "correct horse battery staple";
const digest = createHash("sha1").update(password).digest("hex").toUpperCase();
const [prefix, suffix] = [digest.slice(0, 5), digest.slice(5)];
const others = Array.from({ length: 900 }, (_, i) => `${String(i).padStart(35, "0")}:${i % 7}`);

let closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing) close();
  closing = [];
});

/** A server that answers every request so, and what it was asked. */
async function serving(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  closing.push(() => server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/breaches`;
  return {
    requests,
    url,
    ask: (call = aCall()) => new BreachedPasswordRangeApi(url, 500).has(call, password),
  };
}

const answering = (body: string | Buffer, headers: Record<string, string> = {}, status = 200) =>
  serving((_, response) => response.writeHead(status, headers).end(body));

describe("a range query", () => {
  test("tells nothing but the first five digits, and asks for padding", async () => {
    const { requests, ask } = await answering(others.join("\r\n"));
    await ask();
    expect(requests.map(({ method, url }) => [method, url])).toEqual([["GET", `/breaches/range/${prefix}`]]);
    expect(requests[0]?.headers["add-padding"]).toBe("true");
    expect(JSON.stringify([requests[0]?.url, requests[0]?.rawHeaders])).not.toContain(suffix);
  });

  test.each([
    ["finds a suffix", [...others, `${suffix}:3`].join("\r\n"), true],
    [
      "finds a suffix in small letters, on the first line, with other ends of line",
      `${suffix.toLowerCase()}:1\n${others.join("\n")}\n`,
      true,
    ],
    ["takes what was seen no times for padding", [...others, `${suffix}:0`].join("\r\n"), false],
    ["does not find what is not there", others.join("\r\n"), false],
    ["finds nothing in an empty range", "", false],
  ])("%s", async (_, body, found) => {
    const { ask } = await answering(body);
    expect(await ask()).toBe(found);
  });

  test("reads what is compressed", async () => {
    const { ask } = await answering(gzipSync(`${suffix}:3`), { "content-encoding": "gzip" });
    expect(await ask()).toBe(true);
  });
});

describe("a range query fails, and says nothing of the password,", () => {
  const garbage = `${suffix}:3\n<html>sign in to this network</html>`;
  const huge = `${others.join("\r\n")}\r\n`.repeat(40);
  const cases: [string, () => ReturnType<typeof serving>, RegExp][] = [
    ["where it is answered with an error", () => answering("", {}, 500), /status 500$/],
    ["where it is answered with too many requests", () => answering("", {}, 429), /status 429$/],
    ["where nothing is found", () => answering("", {}, 404), /status 404$/],
    ["where it is answered with no range", () => answering(garbage), /something other than a range$/],
    ["where the answer is too long", () => answering(huge), /more than 1048576 bytes$/],
    [
      "where the answer is too long once it is inflated",
      () => answering(gzipSync(Buffer.alloc(64 << 20)), { "content-encoding": "gzip" }),
      /more than 1048576 bytes$/,
    ],
    ["where nothing is answered", () => serving(() => {}), /timed out after 500 ms$/],
    [
      "where the answer does not end",
      () => serving((_, response) => void response.writeHead(200).write(`${suffix}:3\r\n`)),
      /timed out after 500 ms$/,
    ],
    [
      "where the connection breaks",
      () => serving((request) => void request.socket.destroy()),
      /fetch failed$/,
    ],
  ];

  test.each(cases)("%s", async (_, serve, sentence) => {
    const { ask } = await serve();
    const error: Error = await ask().then(
      () => expect.fail("it did not fail"),
      (reason) => reason,
    );
    expect(error.message).toMatch(sentence);
    const all = [error, error.cause].map((part) => `${String(part)} ${JSON.stringify(part)}`).join();
    for (const secret of [password, digest, prefix, suffix]) expect(all).not.toContain(secret);
  });

  test("where it is sent elsewhere, without going there", async () => {
    const elsewhere = await answering(`${suffix}:3`);
    const { ask, requests } = await answering("", { location: `${elsewhere.url}/range/${prefix}` }, 302);
    await expect(ask()).rejects.toThrow("status 302");
    expect(requests).toHaveLength(1);
    expect(elsewhere.requests).toEqual([]);
  });

  test("where nobody listens", async () => {
    const gone = new BreachedPasswordRangeApi("http://127.0.0.1:1", 500);
    await expect(gone.has(aCall(), password)).rejects.toThrow("fetch failed");
  });

  test("with the call that it is for, which it does not outlive", async () => {
    const { ask, requests } = await serving(() => {});
    const { call, cancel } = aCancellableCall();
    const asked = ask(call);
    while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const closed = once(requests[0]?.socket ?? process, "close");
    cancel(new Error("the call was cancelled"));
    await expect(asked).rejects.toThrow("the call was cancelled");
    await closed;
  });
});
