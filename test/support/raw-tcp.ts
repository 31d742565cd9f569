import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A connection on which a test writes its own bytes. */
export class RawTcp {
  readonly socket: Socket;
  received = "";

  constructor(address: string) {
    const at = address.lastIndexOf(":");
    this.socket = connect(Number(address.slice(at + 1)), address.slice(0, at));
    this.socket.setEncoding("latin1");
    this.socket.on("data", (text) => {
      this.received += text;
    });
    this.socket.on("error", () => {});
    onTestFinished(() => void this.socket.destroy());
  }

  write(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** All that came, once the other end has closed the connection. */
  closed(): Promise<string> {
    return new Promise((resolve) => this.socket.on("close", () => resolve(this.received)));
  }

  /** What has come so far, once it holds `text`. */
  async until(text: string): Promise<string> {
    while (!this.received.includes(text)) {
      await new Promise((resolve) => this.socket.once("data", resolve));
    }
    return this.received;
  }
}
