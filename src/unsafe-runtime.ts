import { isLoopbackHost } from "./loopback.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What Node and its libraries were told, by their own variables and flags, that would undo what the settings promise. One
 * sentence a fault.
 */
export function* unsafeRuntime(
  env: Environment,
  flags: readonly string[],
  inProduction: boolean,
): Iterable<string> {
  if (env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0") {
    yield "NODE_TLS_REJECT_UNAUTHORIZED=0 believes every certificate, the database's among them: take it away";
  }
  if (inProduction) yield* talkative(env);
  const given = [...(env["NODE_OPTIONS"] ?? "").split(/\s+/), ...flags].map((flag) =>
    flag.replace(/^"|"$/g, ""),
  );
  for (const [index, flag] of given.entries()) {
    const [name = "", value = given[index + 1] ?? ""] = flag.split("=", 2);
    const fault = faultOfFlag(name.replaceAll("_", "-"), value, inProduction);
    if (fault !== undefined) yield `${name} (of Node) ${fault}`;
  }
  if (inProduction && given.some(isReport) && !given.includes("--report-exclude-env")) {
    yield "--report-… (of Node) writes the environment, and the secrets in it, into a file: add --report-exclude-env";
  }
}

/** Variables that make libraries print what connections carry. */
function* talkative(env: Environment): Iterable<string> {
  for (const name of ["GRPC_VERBOSITY", "GRPC_NODE_VERBOSITY"]) {
    if (env[name]?.toUpperCase() === "DEBUG") {
      yield `${name}=DEBUG makes grpc-js print what it handles: not with NODE_ENV=production`;
    }
  }
  for (const name of ["NODE_DEBUG", "NODE_DEBUG_NATIVE"]) {
    if ((env[name] ?? "") !== "") {
      yield `${name} prints what connections carry: not with NODE_ENV=production`;
    }
  }
}

function faultOfFlag(name: string, value: string, inProduction: boolean): string | undefined {
  if (/^--inspect(-brk|-wait|-port)?$/.test(name)) {
    if (inProduction) return "lets whoever connects run code and read memory: not with NODE_ENV=production";
    return isOpenTo(value) ? "lets whoever connects run code, and is not loopback" : undefined;
  }
  if (name === "--tls-keylog") return "writes down the keys of TLS connections";
  if (/^--tls-(min|max)-v1\.[01]$/.test(name)) return "takes TLS 1.0 and 1.1, which are broken (RFC 8996)";
  if (name === "--insecure-http-parser") return "takes requests that can smuggle others past a proxy";
  if (inProduction && name.startsWith("--heapsnapshot-")) {
    return "writes memory, and the secrets in it, into a file: not with NODE_ENV=production";
  }
  return undefined;
}

/** Whether an inspector that listens at "host:port", "host" or "port" is open to more than this machine. */
function isOpenTo(address: string): boolean {
  if (address === "" || /^\d+$/.test(address) || address.startsWith("-")) return false;
  return !isLoopbackHost(address.replace(/:\d+$/, "")) && !isLoopbackHost(address);
}

function isReport(flag: string): boolean {
  return /^--report[-_](uncaught[-_]exception|on[-_]signal|on[-_]fatalerror)$/.test(flag);
}
