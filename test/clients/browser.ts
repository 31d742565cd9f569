import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "../support/service.ts";
import { toolEnvironment } from "../support/shell.ts";
import type { Tool } from "../support/tools.ts";

export const chromium: Tool = { name: "Debian's chromium", check: "command -v chromium" };

/** The name that the browser of `openPage` resolves to 127.0.0.1, as after DNS rebinding. */
export const reboundHost = "evil.example";

/** A page of a web server of its own, in a real browser. */
export interface Page {
  /** The port of its server. */
  readonly port: number;
  /** Closes its server, so that another one can have its port. The page stays open. */
  closeServer(): Promise<void>;
  /**
   * Runs the body of an async function in the page. Returns its result, or the name of the error that it throws.
   */
  run(body: string): Promise<unknown>;
}

/** Opens an empty page of this host in headless Chromium, until the test is over. */
export async function openPage(host: string): Promise<Page> {
  const jobs: string[] = [];
  const results: PromiseWithResolvers<unknown>[] = [];
  let nextJob = Promise.withResolvers<void>();
  // Of another origin than the page, so that it is there when the page's own server is not.
  const control = await listen(
    createServer(async (request, response) => {
      response.setHeader("access-control-allow-origin", "*");
      if (request.method === "POST") {
        let text = "";
        for await (const chunk of request) text += chunk;
        results.shift()?.resolve(JSON.parse(text));
        response.end();
        return;
      }
      while (jobs.length === 0) await nextJob.promise;
      response.end(jobs.shift());
    }),
  );
  const script = `
    (async () => {
      const control = "http://127.0.0.1:${portOf(control)}/";
      for (;;) {
        const body = await (await fetch(control)).text();
        const run = new (async () => {}).constructor(body);
        const result = await run().catch((error) => error.name);
        await fetch(control, { method: "POST", body: JSON.stringify(result ?? null) });
      }
    })();`;
  const pages = await listen(
    createServer((request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(request.url === "/" ? `<!doctype html><title>page</title><script>${script}</script>` : "");
    }),
  );
  await startChromium(`http://${host}:${portOf(pages)}/`);
  return {
    port: portOf(pages),
    async closeServer() {
      pages.closeAllConnections();
      await new Promise((resolve) => pages.close(resolve));
    },
    run(body) {
      const result = Promise.withResolvers<unknown>();
      results.push(result);
      jobs.push(body);
      nextJob.resolve();
      nextJob = Promise.withResolvers();
      return result.promise;
    },
  };
}

async function startChromium(url: string): Promise<void> {
  const folder = await temporaryFolder();
  const browser = spawn(
    "chromium",
    [
      "--headless=new",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--no-first-run",
      "--no-proxy-server",
      `--host-resolver-rules=MAP ${reboundHost} 127.0.0.1`,
      `--user-data-dir=${folder.path}`,
      url,
    ],
    { env: { ...toolEnvironment, HOME: folder.path }, stdio: "ignore", detached: true },
  );
  onTestFinished(async () => {
    const exited = once(browser, "exit");
    // The whole group: its helpers outlive it for a moment and write into its folder.
    if (browser.pid !== undefined) process.kill(-browser.pid, "SIGKILL");
    await exited;
    await folder[Symbol.asyncDispose]();
  });
}

async function listen(server: Server): Promise<Server> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
