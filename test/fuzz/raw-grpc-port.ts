import { connect } from "node:net";
import { acknowledged, endStream, frameType, readFrames } from "../support/http2-frames.ts";
import { type Answer, answerTimeoutMs, hung } from "./answers.ts";
import type { RawInput } from "./inputs.ts";

const ends: Readonly<Record<number, string>> = {
  [frameType.resetStream]: "a reset",
  [frameType.goAway]: "GOAWAY",
};

/** Sends bytes on a connection of their own to the gRPC port, and waits for an answer of any kind, or for its end. */
export function sendRaw(address: string, input: RawInput): Promise<Answer> {
  const at = address.lastIndexOf(":");
  const socket = connect({
    host: address.slice(0, at),
    port: Number(address.slice(at + 1)),
    allowHalfOpen: true,
  });
  return new Promise((resolve, reject) => {
    let received: Buffer = Buffer.alloc(0);
    const done = (settle: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      settle();
    };
    const answer = (code: string) => done(() => resolve({ code, message: "", body: Buffer.alloc(0) }));
    const timer = setTimeout(() => done(() => reject(hung(input))), answerTimeoutMs);
    socket.on("data", (data) => {
      const { frames, rest } = readFrames(Buffer.concat([received, data]));
      received = rest;
      for (const { type, flags } of frames) {
        if (type === frameType.headers && (flags & endStream) !== 0) answer("headers");
        if (ends[type] !== undefined) answer(ends[type]);
        if (type === frameType.ping && (flags & acknowledged) !== 0) answer("the answer to a ping");
      }
    });
    socket.on("error", () => {});
    socket.on("end", () => answer("the end")).on("close", () => answer("the end"));
    socket.end(input.bytes);
  });
}
