import type { FileHandle } from "node:fs/promises";
import { StartError } from "../infrastructure/start-error.ts";
import { type Command, command } from "./command.ts";
import { flag, oneOf, text } from "./option.ts";
import { columns, counted, shown } from "./text.ts";
import { formatNames } from "./transfer/format-names.ts";
import type { RefusedFileRow } from "./transfer/import-file.ts";

/** Refused rows that are shown. */
const shownRows = 20;

const importUsers = command({
  name: "import",
  args: ["FILE"],
  summary: "Imports users from a file, with their password hashes",
  details: `FILE is what \`auth export\` has written (json), CSV with a header, or what another system exports: Keycloak (a realm, or
its users), Ory Kratos (identities with their credentials), Auth0 (password hashes, or its bulk import's schema) or
Firebase (auth:export, and the project's hash parameters). Rows that cannot be imported are refused, and the others
are imported. The same command given again within a day goes on where it was cut off, and answers what it has answered
of what was done. Exit code 1 says that rows were refused.`,
  options: {
    format: oneOf(formatNames, "what FILE is: json where not given"),
    "dry-run": flag("only checks, and changes nothing"),
    refused: text("FILE", "writes every refused row's number and reason there, in JSON lines"),
    "with-attributes": flag("takes over the other system's attributes too"),
    "request-id": text("UUID", "begins anew where the same command was given before"),
    "firebase-parameters": text("FILE", "hash_config, as Firebase's console shows it"),
  },
  async run({ args: [path = ""], options }, { signal, withService, progress }) {
    const { format: name = "json", "dry-run": validateOnly, "with-attributes": withAttributes } = options;
    const [{ formatOf }, { importFile }] = await Promise.all([
      import("./transfer/formats.ts"),
      import("./transfer/import-file.ts"),
    ]);
    const format = await formatOf(name, options["firebase-parameters"]);
    await using report = options.refused === undefined ? undefined : await newFile(options.refused);
    const first: RefusedFileRow[] = [];
    const onRefused = async (row: RefusedFileRow) => {
      if (first.length < shownRows) first.push(row);
      await report?.write(`${JSON.stringify(row)}\n`);
    };
    const onProgress = ({ rows, part }: { rows: number; part: number }) =>
      progress(`${counted(rows, "row")}, ${Math.floor(part * 100)} %`);
    const seen = await withService((service) =>
      importFile(service, {
        ...{ path, format, validateOnly, withAttributes, signal, onProgress, onRefused },
        requestId: options["request-id"],
      }),
    );
    progress(undefined);
    const verb = validateOnly ? "could be imported" : "imported";
    return {
      json: { ...seen, refusedRows: first },
      text: `${counted(seen.imported, "user")} ${verb}, ${counted(seen.refused, "row")} refused.\n${table(first, seen.refused)}`,
      failed: seen.refused > 0,
    };
  },
});

const exportUsers = command({
  name: "export",
  args: ["FILE"],
  summary: "Writes the users to a new file, a line of JSON each",
  details: `Each line can be imported again. FILE must not be there yet, and only its owner can read it.`,
  options: {
    "with-password-hashes": flag("with their password hashes: whoever has the file can guess passwords"),
    "show-deleted": flag("deleted users too"),
  },
  async run({ args: [path = ""], options }, { signal, withService, progress }) {
    const { exportLines } = await import("./transfer/export-lines.ts");
    await using file = await newFile(path);
    let users = 0;
    await withService(async (service) => {
      const lines = exportLines(service, {
        includePasswordHashes: options["with-password-hashes"],
        showDeleted: options["show-deleted"],
        signal,
      });
      for await (const page of lines) {
        await file.write(page.text);
        users += page.users;
        progress(counted(users, "user"));
      }
    });
    await file.sync();
    progress(undefined);
    return { json: { users }, text: `${counted(users, "user")} exported.\n` };
  },
});

/** The commands that move users in and out. */
export const transferCommands: readonly Command[] = [importUsers, exportUsers];

function table(rows: readonly RefusedFileRow[], refused: number): string {
  if (rows.length === 0) return "";
  const lines = rows.map(({ row, reason, message }) => [String(row), reason, shown(message)]);
  const more =
    refused > rows.length ? `… and ${refused - rows.length} more: --refused FILE has them all.\n` : "";
  return `\n${columns([["ROW", "REASON", ""], ...lines])}${more}`;
}

/** A file that is not there yet, for its owner only. @throws StartError */
async function newFile(path: string): Promise<FileHandle> {
  const { open } = await import("node:fs/promises");
  try {
    return await open(path, "wx", 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(`${path} cannot be written: ${code === "EEXIST" ? "it is there already" : code}.`);
  }
}
