import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type SecureClientSessionOptions,
} from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { grpcHeaders } from "./under-attack.ts";

export function openSessions(
  address: string,
  count: number,
  options: SecureClientSessionOptions = {},
): ClientHttp2Session[] {
  return Array.from({ length: count }, () => connect(`http://${address}`, options).on("error", () => {}));
}

/** A call as a hostile caller makes it: what it sends at first, and whether it says that this was all. */
export interface Opening {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly first?: Uint8Array;
  readonly end?: boolean;
}

/** Opens so many streams on each session. */
export function openStreams(
  sessions: readonly ClientHttp2Session[],
  each: number,
  opening: Opening,
): ClientHttp2Stream[] {
  return sessions.flatMap((session) => Array.from({ length: each }, () => openStream(session, opening)));
}

function openStream(session: ClientHttp2Session, { path, headers, first, end }: Opening): ClientHttp2Stream {
  const stream = session.request({ ...grpcHeaders, ":path": path, ...headers }, { endStream: false });
  stream.on("error", () => {});
  if (first !== undefined) stream.write(first);
  if (end === true) stream.end();
  return stream;
}

/** The status of a stream once it has one, or the code of its reset. The stream is read to its end. */
export function ended(stream: ClientHttp2Stream): Promise<string> {
  return new Promise((resolve) => {
    const onHeaders = (headers: Readonly<Record<string, unknown>>) => {
      if (headers["grpc-status"] !== undefined) resolve(String(headers["grpc-status"]));
    };
    stream.on("response", onHeaders).on("trailers", onHeaders).resume();
    stream.on("close", () => resolve(`reset ${stream.rstCode}`));
  });
}

/** How many of the streams are still open when all are closed, or time is up. */
export async function openAfter(streams: readonly ClientHttp2Stream[], ms: number): Promise<number> {
  const open = () => streams.filter((stream) => !stream.closed).length;
  for (const endsAt = performance.now() + ms; open() > 0 && performance.now() < endsAt; ) await sleep(100);
  return open();
}

/** How often each value comes. */
export function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

export function destroyAll(all: readonly { destroy(): void }[]): void {
  for (const each of all) each.destroy();
}
