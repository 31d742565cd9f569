import { socketPathOf } from "../sockets/unix-socket.ts";

export interface Welcome {
  readonly grpcAddress: string;
  readonly httpAddress: string;
  readonly database: string;
  readonly tls: boolean;
  /** Milliseconds since the process started. */
  readonly readyAfterMs: number;
}

/** The text that the service prints after a start with the embedded database: its addresses and what to do next. */
export function welcome({ grpcAddress, httpAddress, database, tls, readyAfterMs }: Welcome): string {
  const socket = socketPathOf(httpAddress);
  const url = `${tls ? "https" : "http"}://${socket === undefined ? httpAddress : "localhost"}`;
  const grpcSocket = socketPathOf(grpcAddress);
  const curl = socket === undefined ? "curl" : `curl --unix-socket ${socket}`;
  const plaintext = tls ? "" : " -plaintext";
  const json = "-H 'content-type: application/json'";
  return `
auth is ready after ${(readyAfterMs / 1000).toFixed(1)} s. Ctrl-C stops it.

  gRPC  ${grpcAddress}  with health and reflection
  HTTP  ${socket === undefined ? url : httpAddress}  with Connect, gRPC-Web, JSON, /.well-known, /livez and /readyz
  data  ${database}

Try it in another terminal:

  ${curl} ${json} -d '{"user":{"email":"ada@example.com"},"password":"correct horse battery staple"}' \\
    ${url}/auth.v1.UserService/CreateUser
  ${curl} ${json} -d '{"identifier":"ada@example.com","password":"correct horse battery staple","audience":"development","client":{"id":"web"}}' \\
    ${url}/auth.v1.AuthenticationService/Authenticate
  grpcurl${plaintext} ${grpcSocket === undefined ? grpcAddress : `-unix ${grpcSocket}`} list

`;
}
