import type { Defect } from "./defects.ts";

/** What would let a revoked caller or a foreign web page in, or keep a listener from starting. */
export const edgeDefects: readonly Defect[] = [
  {
    name: "an open stream is not authorised again",
    file: "src/interfaces/rpc/interceptors/authorize.ts",
    find: "      if (!request.stream) return next(request);\n",
    replace: "      if (request !== undefined) return next(request as never);\n",
    test: "test/interfaces/rpc/open-streams.test.ts",
    named: "a silent stream ends once its key was disabled",
  },
  {
    name: "a stream's key is looked up as seldom as that of a call",
    file: "src/interfaces/rpc/interceptors/authorize.ts",
    find: "await decide(request, times.maxAgeMs)",
    replace: "await decide(request)",
    test: "test/interfaces/rpc/open-streams.test.ts",
    named: "a silent stream ends once its key was disabled",
  },
  {
    name: "connections of a removed authority stay open",
    file: "src/infrastructure/sockets/open-connections.ts",
    find: "      for (const connection of this.#open) this.#checkCertificate(connection);\n",
    replace: "",
    test: "test/infrastructure/sockets/open-connections.test.ts",
    named: "an idle connection is closed once its authority is removed",
  },
  {
    name: "a client's TLS session is resumed without its verification",
    file: "src/infrastructure/tls/tls-files.ts",
    find: "    secureOptions: constants.SSL_OP_NO_TICKET,\n",
    replace: "",
    test: "test/infrastructure/sockets/open-connections.test.ts",
    named: "session is not resumed",
  },
  {
    name: "a rebound name may call everybody's service",
    file: "src/infrastructure/http/cross-origin.ts",
    find: "  if (!isFromUnixSocket(request) && !isLoopbackAuthority(host)) return foreignHost;\n",
    replace: "",
    test: "test/infrastructure/http/cross-origin.test.ts",
    named: "refuses the host",
  },
  {
    name: "a socket without a server is in the way",
    file: "src/infrastructure/sockets/unix-socket.ts",
    find: '  if (state === "stale") await unlink(path);\n',
    replace: "",
    test: "test/infrastructure/sockets/unix-socket.test.ts",
    named: "whose server was killed is replaced",
  },
];
