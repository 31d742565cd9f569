import { describe, expect, it } from "vitest";
import { IncomingMessages } from "../../../src/infrastructure/grpc/incoming-messages.ts";

function incoming() {
  let asked = 0;
  const messages = new IncomingMessages<number>(
    () => {
      asked++;
    },
    (bytes) => {
      if (bytes.length === 0) {
        throw new Error("no number");
      }
      return bytes[0] ?? 0;
    },
  );
  return {
    messages,
    asked: () => asked,
    push: (...bytes: number[]) => messages.push(Uint8Array.from(bytes)),
  };
}

const done = { done: true, value: undefined };

describe("the messages of a caller", () => {
  it("are asked for one by one, and only when wanted", async () => {
    const { messages, asked, push } = incoming();
    expect(asked()).toBe(0);
    const first = messages.next();
    expect(asked()).toBe(1);
    push(1);
    expect(await first).toEqual({ done: false, value: 1 });
    expect(asked()).toBe(1);
  });

  it("reach several readers in their order, still one by one", async () => {
    const { messages, asked, push } = incoming();
    const all = Promise.all([messages.next(), messages.next(), messages.next()]);
    expect(asked()).toBe(1);
    push(1);
    expect(asked()).toBe(2);
    push(2);
    expect(asked()).toBe(3);
    messages.end();
    expect(await all).toEqual([{ done: false, value: 1 }, { done: false, value: 2 }, done]);
    expect(await messages.next()).toEqual(done);
  });

  it("end when the reader has had enough", async () => {
    const { messages, asked, push } = incoming();
    const first = messages.next();
    push(1);
    await first;
    expect(await messages.return()).toEqual(done);
    push(2);
    expect(await messages.next()).toEqual(done);
    expect(asked()).toBe(1);
  });

  it("fail at the one that is none, and stay failed", async () => {
    const { messages, push } = incoming();
    const [first, second] = [messages.next(), messages.next()];
    push();
    await expect(first).rejects.toThrow("no number");
    await expect(second).rejects.toThrow("no number");
    await expect(messages.next()).rejects.toThrow("no number");
  });

  it("fail with the call, but not once they have ended", async () => {
    const { messages } = incoming();
    const first = messages.next();
    messages.fail(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    const other = incoming().messages;
    other.end();
    other.fail(new Error("gone"));
    expect(await other.next()).toEqual(done);
  });
});
