import { isLoopbackHost } from "./loopback.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Variables and flags of Node and its libraries that would break guarantees of the settings. One sentence per fault.
 */
export function* unsafeRuntime(
  env: Environment,
  flags: readonly string[],
  inProduction: boolean,
): Iterable<string> {
  if (env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0") {
    yield "NODE_TLS_REJECT_UNAUTHORIZED=0 disables certificate checks, including that of the database: unset it";
  }
  if (inProduction) yield* verboseLibraryFlags(env);
  const given = [...(env["NODE_OPTIONS"] ?? "").split(/\s+/), ...flags].map((flag) =>
    flag.replace(/^"|"$/g, ""),
  );
  for (const [index, flag] of given.entries()) {
    const [name = "", value = given[index + 1] ?? ""] = flag.split("=", 2);
    const fault = faultOfFlag(name.replaceAll("_", "-"), value, inProduction);
    if (fault !== undefined) yield `Node flag ${name} ${fault}`;
  }
  if (inProduction && given.some(isReport) && !given.includes("--report-exclude-env")) {
    yield "Node flag --report-… writes the environment and its secrets to a file: add --report-exclude-env";
  }
}

/** Variables that make libraries print the contents of connections. */
function* verboseLibraryFlags(env: Environment): Iterable<string> {
  for (const name of ["GRPC_VERBOSITY", "GRPC_NODE_VERBOSITY"]) {
    if (env[name]?.toUpperCase() === "DEBUG") {
      yield `${name}=DEBUG prints message contents: unset it with NODE_ENV=production`;
    }
  }
  for (const name of ["NODE_DEBUG", "NODE_DEBUG_NATIVE"]) {
    if ((env[name] ?? "") !== "") {
      yield `${name} prints the traffic of connections: unset it with NODE_ENV=production`;
    }
  }
}

function faultOfFlag(name: string, value: string, inProduction: boolean): string | undefined {
  if (/^--inspect(-brk|-wait|-port)?$/.test(name)) {
    if (inProduction) return "lets any client run code and read memory: remove it with NODE_ENV=production";
    return isOpenTo(value) ? "lets any client run code and is not loopback: use 127.0.0.1" : undefined;
  }
  if (name === "--tls-keylog") return "writes the keys of TLS connections to a file: remove it";
  if (/^--tls-(min|max)-v1\.[01]$/.test(name))
    return "accepts TLS 1.0 and 1.1, which are deprecated (RFC 8996): remove it";
  if (name === "--insecure-http-parser") return "allows request smuggling: remove it";
  if (inProduction && name.startsWith("--heapsnapshot-")) {
    return "writes memory and its secrets to a file: remove it with NODE_ENV=production";
  }
  return undefined;
}

/** Whether an inspector that listens on "host:port", "host" or "port" is reachable from other machines. */
function isOpenTo(address: string): boolean {
  if (address === "" || /^\d+$/.test(address) || address.startsWith("-")) return false;
  return !isLoopbackHost(address.replace(/:\d+$/, "")) && !isLoopbackHost(address);
}

function isReport(flag: string): boolean {
  return /^--report[-_](uncaught[-_]exception|on[-_]signal|on[-_]fatalerror)$/.test(flag);
}
