import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Turns } from "../../../src/infrastructure/grpc/turns.ts";

describe("turns", () => {
  const begin = () => {
    const turns = new Turns();
    const started: string[] = [];
    const take = (connection: object, name: string) => turns.take(connection, () => started.push(name));
    return { turns, started, take };
  };

  test("calls of connections that nothing is known of start one in a turn, and no connection waits for all of another", async () => {
    const { started, take } = begin();
    const [first, second] = [{}, {}];
    for (const name of ["a1", "a2", "a3"]) take(first, name);
    take(second, "b1");
    expect(started).toEqual([]);
    await turn();
    expect(started).toEqual(["a1"]);
    await turn();
    expect(started).toEqual(["a1", "b1"]);
    await turn();
    await turn();
    expect(started).toEqual(["a1", "b1", "a2", "a3"]);
    take(second, "b2");
    await turn();
    expect(started.at(-1)).toBe("b2");
  });

  test("those of a connection that had an admitted call start at once", () => {
    const { turns, started, take } = begin();
    const connection = {};
    turns.trust(connection);
    take({}, "of a stranger");
    take(connection, "at once");
    expect(started).toEqual(["at once"]);
  });

  test("at most 256 wait", async () => {
    const { started, take } = begin();
    const connection = {};
    for (let n = 0; n < 300; n++) take(connection, String(n));
    expect(started).toHaveLength(44);
    for (let n = 0; n < 256; n++) await turn();
    expect(new Set(started).size).toBe(300);
  });
});
