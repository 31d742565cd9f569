import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { findWrappingKeys } from "../../infrastructure/crypto/wrapping-key-source.ts";
import { displayPath } from "../../infrastructure/db/embedded-postgres/data-folder.ts";
import { openBreachedPasswords } from "../../infrastructure/passwords/open-breached-passwords.ts";
import { readTlsCertificates, type TlsCertificate } from "../../infrastructure/tls/tls-files.ts";
import { formatTime } from "../text.ts";
import { type Check, type Finding, failed, ok, warning } from "./finding.ts";

/** Checks of the service's files. */
export function filesChecks(config: Config): Check[] {
  return [
    ...(config.databaseUrl === undefined ? [dataFolderCheck(config.dataDir)] : []),
    wrappingKeysCheck(config),
    tlsCheck(config),
    ...breachedPasswordsChecks(config),
  ];
}

function dataFolderCheck(dataDir: string): Check {
  return {
    name: "data folder",
    async run() {
      const folder = displayPath(dataDir);
      const there = await modeOf(dataDir);
      if (there === undefined) {
        const parent = await nearest(dirname(resolve(dataDir)));
        return (await isUsable(parent))
          ? ok(`${folder} does not exist yet; the first start creates it.`)
          : failed(
              `${folder} cannot be created in ${parent} by uid ${uid()}: set AUTH_DATA_DIR to another folder.`,
            );
      }
      if (!(await isUsable(dataDir))) {
        return failed(
          `${folder} is not accessible to uid ${uid()}: run auth as its owner, or set AUTH_DATA_DIR to another folder.`,
        );
      }
      const pgdata = join(dataDir, "postgres");
      const mode = (await modeOf(pgdata)) ?? 0o700;
      if ((mode & 0o027) !== 0) {
        const octal = mode.toString(8).padStart(4, "0");
        return failed(
          `${displayPath(pgdata)} is accessible to other users (mode ${octal}). Run: chmod 700 ${displayPath(pgdata)}`,
        );
      }
      return spaceFinding(folder, await freeBytes([dataDir, pgdata, join(pgdata, "pg_wal")]));
    },
  };
}

/** The free space on the fullest disk that holds one of the folders. Folders that do not exist are ignored. */
async function freeBytes(folders: readonly string[]): Promise<number> {
  const disks = await Promise.all(folders.map((folder) => statfs(folder).catch(() => undefined)));
  return Math.min(...disks.filter((disk) => disk !== undefined).map(({ bavail, bsize }) => bavail * bsize));
}

const mebibyte = 1_048_576;

/** The finding about the free space in the data folder. */
export function spaceFinding(folder: string, freeBytes: number): Finding {
  const free = `${Math.floor(freeBytes / mebibyte)} MiB are free on its disk`;
  if (freeBytes < 100 * mebibyte) {
    return failed(
      `${folder} is usable, but only ${free}, and PostgreSQL stops when the disk is full: free some space.`,
    );
  }
  if (freeBytes < 1_024 * mebibyte) return warning(`${folder} is usable, but only ${free}: free some space.`);
  return ok(`${folder} is usable; ${free}.`);
}

function wrappingKeysCheck({ wrappingKeys }: Config): Check {
  return {
    name: "wrapping key",
    async run() {
      if ((await findWrappingKeys(wrappingKeys)) === undefined) {
        return warning("There is none yet; the first start creates one. Keep a copy of it.");
      }
      if ("value" in wrappingKeys) return ok("It is in AUTH_WRAPPING_KEY, and can be used.");
      const file = "file" in wrappingKeys ? wrappingKeys.file : join(wrappingKeys.madeIn, "wrapping-key");
      return ok(`${file} is valid.`);
    },
  };
}

function breachedPasswordsChecks({ breachedPasswords: source }: Config): Check[] {
  if (source === undefined || "url" in source) return [];
  return [
    {
      name: "breached passwords",
      async run() {
        await (await openBreachedPasswords(source))?.[Symbol.asyncDispose]?.();
        return ok(`${source.file} is valid.`);
      },
    },
  ];
}

const dayMs = 86_400_000;
const renewBeforeMs = 14 * dayMs;

function tlsCheck({ tls }: Config): Check {
  return {
    name: "TLS",
    async run() {
      if (tls === undefined) return ok("Off: the service is on loopback or behind a mesh.");
      const findings = (await readTlsCertificates(tls)).map((each) => certificateFinding(each, Date.now()));
      const mode = (await modeOf(tls.keyFile)) ?? 0;
      if ((mode & 0o007) !== 0) {
        findings.push(failed(`${tls.keyFile} is accessible to other users. Run: chmod o= ${tls.keyFile}`));
      }
      return findings;
    },
  };
}

function certificateFinding({ subject, beginTime, expireTime }: TlsCertificate, now: number): Finding {
  const what = `The certificate of ${subject || "an empty subject"}`;
  if (expireTime.getTime() <= now) {
    return failed(`${what} expired ${formatTime(expireTime)}: replace the file; no restart is needed.`);
  }
  if (beginTime.getTime() > now) return failed(`${what} is not valid before ${formatTime(beginTime)}.`);
  if (expireTime.getTime() - now < renewBeforeMs) {
    return warning(`${what} matches the key and expires soon (${formatTime(expireTime)}): renew it.`);
  }
  return ok(`${what} matches the key and is valid until ${formatTime(expireTime)}.`);
}

async function modeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ mode }) => mode & 0o7777,
    () => undefined,
  );
}

async function nearest(path: string): Promise<string> {
  return (await modeOf(path)) === undefined && dirname(path) !== path ? nearest(dirname(path)) : path;
}

function isUsable(folder: string): Promise<boolean> {
  return access(folder, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

function uid(): number | undefined {
  return process.geteuid?.();
}
