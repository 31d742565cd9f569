import type { EventEmitter } from "node:events";
import type { ServerHttp2Session } from "node:http2";
import type { Server } from "@grpc/grpc-js";

/** The HTTP/2 sessions that @grpc/grpc-js makes of injected connections. It has no API for them. */
export class GrpcSessions {
  #newest: ServerHttp2Session | undefined;

  /**
   * @param server after its `createConnectionInjector`
   * @throws Error when grpc-js has changed and keeps its HTTP/2 servers elsewhere
   */
  constructor(server: Server) {
    const { http2Servers } = server as unknown as { http2Servers?: Map<EventEmitter, unknown> };
    if (!(http2Servers instanceof Map) || http2Servers.size === 0) {
      throw new Error("@grpc/grpc-js has no http2Servers any more: see grpc-sessions.ts");
    }
    for (const http2Server of http2Servers.keys()) {
      http2Server.on("session", (session: ServerHttp2Session) => {
        this.#newest = session;
      });
    }
  }

  /** The session that `inject` makes; undefined if the client has not agreed on HTTP/2. */
  of(inject: () => void): ServerHttp2Session | undefined {
    this.#newest = undefined;
    inject();
    return this.#newest;
  }
}
