import { beforeAll, describe, expect, test } from "vitest";
import { everyStatement } from "./statements.ts";
import { isIn, templatesOf, templatesOfSources } from "./templates.ts";

describe("the statements that the service can send", () => {
  let statements: string[];
  beforeAll(async () => {
    statements = await everyStatement();
  }, 120_000);

  test("hold every piece of SQL in the sources", () => {
    const templates = templatesOfSources();
    expect(templates.length).toBeGreaterThan(40);
    const missing = templates.filter(
      (template) => !statements.some((statement) => isIn(statement, template)),
    );
    expect(missing).toEqual([]);
  });

  test("control: a piece of SQL that nothing sends is missed", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source
    const source = 'connection.any(sql.type(row("}"))`select ${sql.fragment`never ${1} sent`} from users`)';
    const templates = templatesOf("control.ts", source);
    expect(templates.map(({ pieces }) => pieces)).toEqual([
      ["select ", " from users"],
      ["never ", " sent"],
    ]);
    expect(templates.map((template) => statements.some((statement) => isIn(statement, template)))).toEqual([
      true,
      false,
    ]);
  });

  test("control: a tag without a template is no template", () => {
    expect(() => templatesOf("control.ts", "const tag = sql.unsafe;")).toThrow("control.ts:1");
  });
});
