import { describe, expect, test } from "vitest";
import { command } from "../../src/cli/command.ts";
import { commands } from "../../src/cli/commands.ts";
import { help } from "../../src/cli/help.ts";
import { flag, oneOf, pairs, text, time, wholeNumber } from "../../src/cli/option.ts";
import { parseArguments } from "../../src/cli/parse-arguments.ts";
import { UsageError } from "../../src/cli/usage-error.ts";

const run = async () => ({ json: {}, text: "" });
const get = command({ name: "thing get", args: ["THING"], summary: "Gets", run });
const keyGet = command({ name: "thing key get", args: ["KEY"], summary: "Gets a key", run });
const make = command({
  name: "thing make",
  summary: "Makes",
  options: {
    name: text("NAME", "its name"),
    quick: flag("quickly"),
    fact: pairs("a fact"),
    size: wholeNumber("N", "how many"),
    kind: oneOf(["a", "b"], "which"),
    at: time("when"),
  },
  run,
});
const table = [get, keyGet, make];
const parsed = (line: string) => parseArguments(table, line === "" ? [] : line.split(" "));

describe("a command line", () => {
  test("takes a page token that begins with a hyphen", () => {
    const list = command({
      name: "thing list",
      summary: "Lists",
      options: { "page-token": text("TOKEN", "the next page"), quick: flag("quickly") },
      run,
    });
    expect(parseArguments([list], ["thing", "list", "--page-token", "-a_B-", "--quick"])).toMatchObject({
      input: { options: { "page-token": "-a_B-", quick: true } },
    });
  });

  test("is a command, its arguments and its options, in any order and spelling", () => {
    const line =
      "thing make --quick --name=x --fact a=1 --fact b=2=3 --size 7 --kind b --at 2027-01-31T12:00:00+01:00";
    expect(parsed(line)).toEqual({
      kind: "run",
      command: make,
      input: {
        args: [],
        options: {
          name: "x",
          quick: true,
          fact: { a: "1", b: "2=3" },
          size: 7,
          kind: "b",
          at: new Date("2027-01-31T11:00:00Z"),
        },
      },
    });
    expect(parsed("thing make")).toMatchObject({
      input: {
        options: {
          name: undefined,
          quick: false,
          fact: {},
          size: undefined,
          kind: undefined,
          at: undefined,
        },
      },
    });
    expect(parsed("thing get -- --odd")).toMatchObject({ command: get, input: { args: ["--odd"] } });
    expect(parsed("thing get --json x")).toMatchObject({ command: get, input: { args: ["x"] } });
  });

  test("means the command with the longest name", () => {
    expect(parsed("thing key get x")).toMatchObject({ command: keyGet, input: { args: ["x"] } });
  });

  test("can ask for help and for the version", () => {
    expect(parsed("")).toEqual({ kind: "help", words: [] });
    expect(parsed("--version")).toEqual({ kind: "version" });
    expect(parsed("--help")).toEqual({ kind: "help", words: [] });
    expect(parsed("help thing get")).toEqual({ kind: "help", words: ["thing", "get"] });
    expect(parsed("thing -h")).toEqual({ kind: "help", words: ["thing"] });
    expect(parsed("thing get x --help")).toEqual({ kind: "help", words: ["thing", "get"] });
  });

  test.each([
    ["nothing", 'unknown command "nothing"'],
    ["--json", "missing command"],
    ["thing", '"thing" needs a subcommand: get, key get, make'],
    ["thing take x", 'unknown subcommand of "thing"'],
    ["thing get", "expected THING, got 0 arguments"],
    ["thing get hunter2 hunter3", "expected THING, got 2 arguments"],
    ["thing make hunter2", "expected no arguments, got 1 argument"],
    ["thing make --nmae x", "Unknown option '--nmae'"],
    ["thing make --name", "Option '--name <value>' argument missing"],
    ["thing make --name x --name y", "--name may be given only once"],
    ["thing make --quick=yes", "Option '--quick' does not take an argument"],
    ["thing make --fact a", "--fact must be KEY=VALUE"],
    ["thing make --size many", "--size must be a whole number"],
    ["thing make --kind c", "--kind must be one of a, b"],
    ["thing make --at tomorrow", "--at must be a time such as"],
    ["thing make --at 0000-01-01", "--at must be a time such as"],
    ["thing make --at 2027-02-31T25:00:00Z", "--at must be a time such as"],
    ["thing make --at 2027-02-31T12:00:00Z", "--at must be a time such as"],
    ["thing make --at 2027-02-31", "--at must be a time such as"],
    ["thing make --at 2027-01-31T24:00:00Z", "--at must be a time such as"],
    ["thing make --at 2027-01-31T12:00:00", "--at must be a time such as"],
    ["thing make --at 0001-01-01T00:00:00+00:01", "--at must be a time such as"],
    ["thing make --password hunter2", "passwords are not taken from the command line"],
    ["thing make --password=hunter2", "passwords are not taken from the command line"],
    ["thing make --pass hunter2", "passwords are not taken from the command line"],
  ])("%s: %s", (line, sentence) => {
    const error = thrown(() => parsed(line));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(sentence);
    expect(error.message).not.toContain("hunter");
  });
});

describe("the help", () => {
  test("of every command says how it is called, and names all its options", () => {
    for (const { name, args, options } of commands) {
      const text = help(commands, name.split(" "));
      expect(text.split("\n")[0]).toMatch(new RegExp(`^auth ${[name, ...args].join(" ")}( \\[options\\])?$`));
      for (const option of [...Object.keys(options), "json"]) expect(text).toContain(`  --${option}`);
    }
  });

  test("lists every command once, and those of a group by the group's name", () => {
    const all = help(commands, []);
    for (const { name, summary } of commands) {
      const lines = all.split("\n").filter((line) => line.startsWith(`  ${name} `));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain(summary);
    }
    const group = help(commands, ["user"]).split("\n");
    expect(group.filter((line) => line.startsWith("  user "))).toHaveLength(
      commands.filter(({ name }) => name.startsWith("user ")).length,
    );
    expect(group.join("\n")).not.toContain("keys");
    expect(() => help(commands, ["nothing"])).toThrow(UsageError);
  });

  test("fits a line of a terminal", () => {
    for (const words of [[], ...commands.map(({ name }) => name.split(" "))]) {
      for (const line of help(commands, words).split("\n")) expect(line.length).toBeLessThanOrEqual(120);
    }
  });

  test("there is no option by which a password could be given", () => {
    for (const { options } of commands) {
      for (const [name, { takes }] of Object.entries(options)) {
        if (/password|secret/.test(name)) expect(takes).toBeUndefined();
      }
    }
  });
});

function thrown(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}
