import { type Command, command } from "./command.ts";
import { flag, oneOf, text } from "./option.ts";
import { plural } from "./text.ts";
import type { FileRow } from "./transfer/files/file-row.ts";
import { formatNames } from "./transfer/formats/format-names.ts";
import type { Refusal } from "./transfer/import-file.ts";
import type { RefusedLine } from "./transfer/import-text.ts";

/** Maximum refused rows in the answer. */
const shownRows = 20;

const importUsers = command({
  name: "import",
  args: ["FILE"],
  summary: "Imports users from a file, with their password hashes",
  details: `FILE is what \`auth export\` writes (json), CSV with a header, or the export of another system: Keycloak (realms or
users), Ory Kratos (identities with credentials), Auth0 (password hashes, or the bulk import schema) or Firebase
(auth:export, with the project's hash parameters). It may be compressed by gzip; "-" is standard input.
A row that cannot be imported is refused, and the others are imported. To go on after an interruption or after
repairing rows, run the same command again: users that it imported before are not imported twice.
Exit code 1: rows were refused, the file has no users, or the rest of it could not be read.`,
  options: {
    format: oneOf(formatNames, "format of FILE; json by default"),
    "dry-run": flag("checks the file and changes nothing"),
    refused: text("FILE", "writes refused rows and their reasons to a new file, for repair"),
    "with-attributes": flag("imports the other system's attributes too"),
    "firebase-parameters": text("FILE", "hash_config, as the Firebase console shows it"),
  },
  async run({ args: [path = ""], options }, { signal, withService, progress }) {
    const { format: name = "json", "dry-run": validateOnly, "with-attributes": withAttributes } = options;
    const [{ formatOf }, { importFile }, { importText }, { RefusedFile }] = await Promise.all([
      import("./transfer/formats/formats.ts"),
      import("./transfer/import-file.ts"),
      import("./transfer/import-text.ts"),
      import("./transfer/refused-file.ts"),
    ]);
    const format = await formatOf(name, options["firebase-parameters"]);
    const { refused: refusedPath } = options;
    await using file =
      refusedPath === undefined ? undefined : await RefusedFile.create(refusedPath, format.layout);
    const refused: RefusedLine[] = [];
    const onRefused = async (row: FileRow, refusal: Refusal) => {
      if (refused.length < shownRows) refused.push({ line: row.line, ...refusal });
      await file?.add(row, refusal);
    };
    const onProgress = (count: number, part: number | undefined) => progress({ count, noun: "row", part });
    const report = await withService((service) =>
      importFile(service, {
        ...{ path, format, validateOnly, withAttributes, signal, onProgress, onRefused },
        onHeader: (header) => file?.setHeader(header),
      }),
    );
    const { stoppedBy, ...counts } = report;
    return {
      json: { ...counts, refusedRows: refused },
      text: importText({ report, validateOnly, refused, refusedPath }),
      failed: report.refused > 0 || report.imported + report.alreadyImported === 0,
      error: stoppedBy,
    };
  },
});

const exportUsers = command({
  name: "export",
  args: ["FILE"],
  summary: "Writes the users to a new file, one line of JSON each",
  details: `\`auth import\` reads the file. FILE must not exist yet; only its owner can read it.`,
  options: {
    "with-password-hashes": flag(
      "includes password hashes: anyone who can read the file can guess passwords",
    ),
    "show-deleted": flag("includes deleted users"),
  },
  async run({ args: [path = ""], options }, { signal, withService, progress }) {
    const [{ exportLines }, { newFile }] = await Promise.all([
      import("./transfer/export-lines.ts"),
      import("./transfer/new-file.ts"),
    ]);
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
        progress({ count: users, noun: "user", part: undefined });
      }
    });
    await file.sync();
    return { json: { users }, text: `${plural(users, "user")} exported.\n` };
  },
});

/** Commands that import and export users. */
export const transferCommands: readonly Command[] = [importUsers, exportUsers];
