import { ConnectError, encodeBinaryHeader } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { LazyHeaders, metadataOf } from "../../../src/infrastructure/grpc/lazy-headers.ts";

const received = () =>
  new LazyHeaders({
    ":path": "/x",
    te: "trailers",
    "grpc-timeout": "1S",
    "x-one": "1",
    "x-many": ["a", "b"],
    "x-some-bin": "//4=",
  });

const binary = encodeBinaryHeader(Uint8Array.of(255, 254));

describe("headers of a request", () => {
  it("answer as Headers do, before and after they are filled", () => {
    const headers = received();
    for (let i = 0; i < 2; i++) {
      expect(headers.get("X-One")).toBe("1");
      expect(headers.get("x-many")).toBe("a, b");
      expect(headers.get("x-some-bin")).toBe(binary);
      expect(headers.get("x-none")).toBe(null);
      expect([headers.has("x-one"), headers.has("x-none")]).toEqual([true, false]);
      expect([...headers.keys()]).toEqual(["x-many", "x-one", "x-some-bin"]);
    }
  });

  it("can be walked through in every way", () => {
    const entries = [
      ["x-many", "a, b"],
      ["x-one", "1"],
      ["x-some-bin", binary],
    ];
    expect([...received()]).toEqual(entries);
    expect([...received().entries()]).toEqual(entries);
    expect([...received().values()]).toEqual(entries.map(([, value]) => value));
    const seen: string[][] = [];
    const headers = received();
    headers.forEach(function (this: unknown, value, key, parent) {
      expect(this).toBe("self");
      expect(parent).toBe(headers);
      seen.push([key, value]);
    }, "self");
    expect(seen).toEqual(entries);
  });

  it("can be changed", () => {
    const headers = received();
    headers.set("x-one", "2");
    headers.append("x-one", "3");
    headers.delete("x-many");
    headers.append("set-cookie", "a=1");
    headers.append("set-cookie", "b=2");
    expect(headers.get("x-one")).toBe("2, 3");
    expect(headers.has("x-many")).toBe(false);
    expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  it("can be copied by what takes Headers", () => {
    expect(new Headers(received()).get("x-many")).toBe("a, b");
    expect(new ConnectError("x", undefined, received()).metadata.get("x-one")).toBe("1");
  });
});

describe("headers to send", () => {
  it("are nothing until somebody sets one", () => {
    const headers = new LazyHeaders();
    expect(headers.get("x")).toBe(null);
    expect(headers.untouched).toBe(true);
    expect(metadataOf(headers)).toBeUndefined();
    headers.set("x", "1");
    expect(metadataOf(headers)?.get("x")).toEqual(["1"]);
  });

  it("may also be plain Headers", () => {
    const sent = metadataOf(new Headers({ "x-some-bin": `${binary}, ${binary}`, "x-one": "1" }));
    expect(sent?.toJSON()).toEqual({
      "x-one": ["1"],
      "x-some-bin": [Buffer.of(255, 254), Buffer.of(255, 254)],
    });
  });
});
