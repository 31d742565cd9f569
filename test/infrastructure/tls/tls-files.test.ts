import { X509Certificate } from "node:crypto";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createServer } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { FileError, type Reload } from "../../../src/infrastructure/files/watched-files.ts";
import { loadTlsFiles, type TlsFilesOptions } from "../../../src/infrastructure/tls/tls-files.ts";
import { Authority } from "../../support/authority.ts";
import { type Pair, PairFolder, selfSigned } from "../../support/self-signed.ts";
import { until } from "../../support/wait.ts";

const INTERVAL_MS = 20;

async function load(files: Pick<TlsFilesOptions, "certFile" | "keyFile">) {
  const outcomes: Reload<unknown>[] = [];
  const tls = await loadTlsFiles({
    certFile: files.certFile,
    keyFile: files.keyFile,
    intervalMs: INTERVAL_MS,
    onReload: (outcome) => outcomes.push(outcome),
  });
  onTestFinished(() => tls.close());
  const name = () => new X509Certificate(tls.context.cert as Buffer).subject;
  return { tls, outcomes, name };
}

describe("at the start", () => {
  it("takes a pair that belongs together", async () => {
    const { name, tls } = await load(new PairFolder(selfSigned("one")));
    expect(name()).toBe("CN=one");
    expect(tls.context.minVersion).toBe("TLSv1.2");
  });

  it.each<[string, (folder: PairFolder) => void, RegExp]>([
    ["no certificate", ({ certFile }) => rmSync(certFile), /^cannot read .*tls\.crt: no such file$/],
    ["no key", ({ keyFile }) => rmSync(keyFile), /^cannot read .*tls\.key: no such file$/],
    [
      "a folder for a file",
      ({ keyFile }) => {
        rmSync(keyFile);
        mkdirSync(keyFile);
      },
      /^cannot read .*tls\.key: it is a folder, not a file$/,
    ],
    [
      "an empty certificate",
      ({ certFile }) => writeFileSync(certFile, ""),
      /^cannot use .*tls\.crt with .*tls\.key: /,
    ],
    ["an empty key", ({ keyFile }) => writeFileSync(keyFile, ""), /^cannot use .*tls\.crt with .*tls\.key: /],
    ["a certificate that is none", ({ certFile }) => writeFileSync(certFile, "x"), /^cannot use /],
    ["a key that is none", ({ keyFile }) => writeFileSync(keyFile, "x"), /^cannot use /],
    [
      "a key of another certificate",
      ({ keyFile }) => writeFileSync(keyFile, selfSigned("other").key),
      /^cannot use .*tls\.crt with .*tls\.key: .*key values mismatch/,
    ],
  ])("refuses %s, and names the files", async (_name, spoil, message) => {
    const folder = new PairFolder(selfSigned("one"));
    spoil(folder);
    const attempt = load(folder);
    await expect(attempt).rejects.toThrow(FileError);
    await expect(attempt).rejects.toThrow(message);
  });
});

describe("later", () => {
  const swaps: [string, (folder: PairFolder, pair: Pair) => void][] = [
    ["overwritten", (folder, pair) => folder.write(pair)],
    ["renamed into place", (folder, pair) => folder.rename(pair)],
  ];

  it.each(swaps)("takes a new pair that was %s", async (_name, swap) => {
    const folder = new PairFolder(selfSigned("one"));
    const { outcomes, name } = await load(folder);
    swap(folder, selfSigned("two"));
    await until(() => name() === "CN=two");
    expect(outcomes.at(-1)).toEqual({ ok: true, made: expect.anything() });
  });

  it("takes a new pair behind a symbolic link, as Kubernetes swaps it", async () => {
    const folder = new PairFolder();
    const mount = (version: string, pair: Pair) => {
      mkdirSync(join(folder.path, version));
      writeFileSync(join(folder.path, version, "tls.crt"), pair.cert);
      writeFileSync(join(folder.path, version, "tls.key"), pair.key);
      symlinkSync(version, join(folder.path, "..data_tmp"));
      renameSync(join(folder.path, "..data_tmp"), join(folder.path, "..data"));
    };
    mount("..2026_01", selfSigned("one"));
    symlinkSync("..data/tls.crt", folder.certFile);
    symlinkSync("..data/tls.key", folder.keyFile);
    const { outcomes, name } = await load(folder);
    mount("..2026_02", selfSigned("two"));
    rmSync(join(folder.path, "..2026_01"), { recursive: true });
    await until(() => name() === "CN=two");
    expect(outcomes).toEqual([{ ok: true, made: expect.anything() }]);
  });

  it("keeps the old pair while the new one cannot be used, and says so at every look", async () => {
    const folder = new PairFolder(selfSigned("one"));
    const { outcomes, name } = await load(folder);
    writeFileSync(folder.certFile, "broken");
    await until(() => outcomes.length >= 3);
    expect(outcomes[2]).toEqual({ ok: false, error: expect.any(FileError) });
    rmSync(folder.certFile);
    const isMissing = (outcome?: Reload<unknown>) =>
      outcome?.ok === false && /no such/.test(outcome.error.message);
    await until(() => isMissing(outcomes.at(-1)));
    expect(name()).toBe("CN=one");
    folder.write(selfSigned("two"));
    await until(() => name() === "CN=two");
    expect(outcomes.at(-1)).toEqual({ ok: true, made: expect.anything() });
  });

  it("looks no more once it is closed", async () => {
    const folder = new PairFolder(selfSigned("one"));
    const { tls, name } = await load(folder);
    tls.close();
    folder.write(selfSigned("two"));
    await new Promise((resolve) => setTimeout(resolve, 5 * INTERVAL_MS));
    expect(name()).toBe("CN=one");
  });

  it("lets go of a server that is closed", async () => {
    const folder = new PairFolder(selfSigned("one"));
    const { tls, name } = await load(folder);
    const server = createServer(tls.context);
    tls.keepUpToDate(server);
    await new Promise<void>((resolve) => server.listen(0, resolve));
    await new Promise((resolve) => server.close(resolve));
    let renewed = false;
    server.setSecureContext = () => {
      renewed = true;
    };
    folder.write(selfSigned("two"));
    await until(() => name() === "CN=two");
    expect(renewed).toBe(false);
  });
});

describe("a certificate that is loaded outside its dates is named in a warning", () => {
  const day = 86_400_000;
  const dates = {
    expired: { startsIn: -2 * day, endsIn: -day },
    early: { startsIn: day, endsIn: 2 * day },
    valid: {},
  };
  type Dates = keyof typeof dates;
  const says = { expired: /expired 20.*Z; replace it$/, early: /is not valid before 20.*Z; / };

  /** A folder of files whose certificates have these dates, and how to write them again. */
  function folderOf(own: Dates, intermediate: Dates, authorities: readonly Dates[]) {
    const folder = new PairFolder();
    const clientCaFile = join(folder.path, "clients.pem");
    const write = (ofOwn: Dates, ofIntermediate: Dates, ofAuthorities: readonly Dates[]) => {
      const middle = new Authority("root").intermediate(
        `${ofIntermediate} intermediate`,
        dates[ofIntermediate],
      );
      const { cert, key } = middle.issue({ commonName: `${ofOwn} own`, ...dates[ofOwn] });
      folder.write({ cert: `${cert}${middle.pair.cert}`, key });
      const bundle = ofAuthorities.map((each) => new Authority(`${each} authority`, dates[each]).pair.cert);
      writeFileSync(clientCaFile, bundle.join(""));
    };
    write(own, intermediate, authorities);
    return { folder, clientCaFile, write };
  }

  async function loadWarned({ folder, clientCaFile }: ReturnType<typeof folderOf>) {
    const { certFile, keyFile } = folder;
    const warnings: string[] = [];
    const onInvalidDates = (warning: string) => warnings.push(warning);
    const tls = await loadTlsFiles({
      certFile,
      keyFile,
      trustBundles: new Map([["prod.example", clientCaFile]]),
      intervalMs: INTERVAL_MS,
      onInvalidDates,
    });
    onTestFinished(() => tls.close());
    return warnings;
  }

  it.each<[Dates, Dates, Dates[]]>([
    ["valid", "valid", ["valid", "valid"]],
    ["expired", "valid", ["valid"]],
    ["early", "valid", ["valid"]],
    ["valid", "expired", ["valid"]],
    ["valid", "early", ["valid"]],
    ["valid", "valid", ["expired"]],
    ["valid", "valid", ["valid", "early"]],
    ["expired", "early", ["early", "expired", "valid"]],
  ])(
    "%s, with an intermediate that is %s and authorities that are %j",
    async (own, intermediate, authorities) => {
      const files = folderOf(own, intermediate, authorities);
      const wrong = [
        [files.folder.certFile, own, "own"],
        [files.folder.certFile, intermediate, "intermediate"],
        ...authorities.map((each) => [files.clientCaFile, each, "authority"] as const),
      ].filter(([, each]) => each !== "valid") as [string, "expired" | "early", string][];
      const expectWarnings = (warnings: readonly string[]) => {
        expect(warnings).toHaveLength(wrong.length);
        for (const [index, [file, each, whose]] of wrong.entries()) {
          expect(warnings[index]).toContain(`${file}: the certificate of "CN=${each} ${whose}" `);
          expect(warnings[index]).toMatch(says[each]);
        }
      };
      expectWarnings(await loadWarned(files));
      // The same at reload.
      files.write("valid", "valid", ["valid"]);
      const later = await loadWarned(files);
      expect(later).toEqual([]);
      files.write(own, intermediate, authorities);
      if (wrong.length > 0) await until(() => later.length >= wrong.length);
      // Three files cannot be written at one moment: the last look counts.
      expectWarnings(later.slice(-wrong.length || later.length));
    },
  );
});
