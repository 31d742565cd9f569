import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Accent } from "./accent.ts";
import type { Fault, Faults, InjectedError } from "./faults.ts";
import {
  boundName,
  fromClient,
  fromServer,
  injectedResponse,
  MessageReader,
  parsed,
  ready,
  readyStatus,
  simpleQuery,
  type TransactionStatus,
  text,
  withStatement,
} from "./messages.ts";

/** Takes the answer to something that the proxy itself has sent, or that it keeps from the client. */
type AnswerTaker = (messages: readonly Buffer[], status: TransactionStatus) => Promise<void> | void;

/** One client's connection and its own connection to the server. */
export class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #faultOf: Faults;
  readonly #accent: Accent;
  /** The startup message has no type byte. */
  #started = false;
  readonly #sent = new MessageReader();
  readonly #answered = new MessageReader();
  /** What the server said last. */
  #status: TransactionStatus = "I";
  /** What runs, or has run last. */
  #statement = "";
  /** Set while the answer to a statement is to be kept from the client, with what has come of it so far. */
  #taker: AnswerTaker | undefined;
  #taken: Buffer[] = [];
  /** Set while the client's messages up to its Sync are to be dropped. */
  #skipToSync = false;
  /** A Parse that waits for its Bind: the server must not see it where it does not see the Bind. */
  #held: Buffer = Buffer.alloc(0);
  /** The texts of prepared statements, by name. */
  readonly #parsed = new Map<string, string>();
  #clientWork: Promise<void> = Promise.resolve();
  #serverWork: Promise<void> = Promise.resolve();

  constructor(client: Socket, server: Socket, faultOf: Faults, accent: Accent) {
    this.#client = client;
    this.#server = server;
    this.#faultOf = faultOf;
    this.#accent = accent;
    client.on("data", (data) => {
      this.#clientWork = this.#clientWork.then(() => this.#onClientData(data)).catch(() => this.cut());
    });
    server.on("data", (data) => {
      this.#serverWork = this.#serverWork.then(() => this.#onServerData(data)).catch(() => this.cut());
    });
    for (const socket of [client, server]) {
      socket.on("error", () => this.cut());
      socket.on("close", () => this.cut());
    }
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  pause(): void {
    this.#client.pause();
    this.#server.pause();
  }

  resume(): void {
    this.#client.resume();
    this.#server.resume();
  }

  async #onClientData(data: Buffer): Promise<void> {
    this.#sent.push(data);
    for (;;) {
      const message = this.#sent.next({ typed: this.#started });
      if (message === undefined) return;
      await this.#onClientMessage(message);
    }
  }

  async #onClientMessage(message: Buffer): Promise<void> {
    if (!this.#started) {
      this.#started = true;
      this.#server.write(message);
      return;
    }
    if (this.#skipToSync) {
      if (message[0] !== fromClient.sync) return;
      this.#skipToSync = false;
      this.#client.write(ready(this.#statusAfterError()));
      return;
    }
    if (message[0] === fromClient.parse) {
      const { name, statement } = parsed(message);
      this.#parsed.set(name, statement);
      this.#held = withStatement(message, this.#accent.statement(statement));
      return;
    }
    const statement = this.#statementOf(message);
    if (statement === undefined) this.#forward(message);
    else await this.#onStatement(statement, message);
  }

  /** What a message runs: a simple query, or a Bind of what was parsed before. */
  #statementOf(message: Buffer): string | undefined {
    if (message[0] === fromClient.query) return text(message, 5);
    if (message[0] === fromClient.bind) return this.#parsed.get(boundName(message));
    return undefined;
  }

  async #onStatement(statement: string, message: Buffer): Promise<void> {
    this.#statement = statement;
    const fault = this.#faultOf(statement);
    if (fault?.when === "before" && !(await this.#passesBefore(fault.what, message))) return;
    if (this.#status === "T" && this.#accent.commitsBefore(statement)) {
      const failure = await this.#commit();
      if (failure !== undefined) return this.#refuse(failure, message);
    }
    if (fault?.when === "after")
      this.#take((answer, status) => this.#injectAfter(fault.what, answer, status));
    const isQuery = message[0] === fromClient.query;
    this.#forward(isQuery ? withStatement(message, this.#accent.statement(statement)) : message);
  }

  #forward(message: Buffer): void {
    this.#server.write(this.#held.length > 0 ? Buffer.concat([this.#held, message]) : message);
    this.#held = Buffer.alloc(0);
  }

  /** Does what is to happen before a statement. Answers whether the statement reaches the server all the same. */
  async #passesBefore(what: Fault["what"], message: Buffer): Promise<boolean> {
    if (what === "cut" || typeof what === "function") {
      if (typeof what === "function") what();
      this.cut();
      return false;
    }
    if ("delayMs" in what) {
      await sleep(what.delayMs);
      return true;
    }
    this.#refuse(this.#injected(what), message);
    if (endsSession(what)) this.#client.end(() => this.cut());
    return false;
  }

  /** Answers an error to a statement that the server has not seen. */
  #refuse(error: Buffer, message: Buffer): void {
    if (this.#held.length > 0) this.#parsed.delete(parsed(this.#held).name);
    this.#held = Buffer.alloc(0);
    this.#client.write(error);
    if (message[0] === fromClient.query) this.#client.write(ready(this.#statusAfterError()));
    else this.#skipToSync = true;
  }

  #statusAfterError(): TransactionStatus {
    return this.#status === "I" ? "I" : "E";
  }

  /** Commits the client's transaction without its knowing. Answers the error, if there was one. */
  #commit(): Promise<Buffer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    this.#take((answer) => resolve(answer.find(([type]) => type === fromServer.error)));
    this.#server.write(simpleQuery("COMMIT"));
    return promise;
  }

  #take(taker: AnswerTaker): void {
    this.#taker = taker;
    this.#taken = [];
  }

  async #onServerData(data: Buffer): Promise<void> {
    this.#answered.push(data);
    const passed: Buffer[] = [];
    for (let message = this.#answered.next(); message !== undefined; message = this.#answered.next()) {
      const isReady = message[0] === fromServer.ready;
      if (isReady) this.#status = readyStatus(message);
      const answer = this.#accent.answer(message, this.#statement);
      if (this.#taker === undefined) {
        passed.push(answer);
        continue;
      }
      this.#taken.push(answer);
      if (!isReady) continue;
      const taker = this.#taker;
      this.#taker = undefined;
      await taker(this.#taken, this.#status);
    }
    if (passed.length > 0) this.#client.write(Buffer.concat(passed));
  }

  /** Does what is to happen once a statement was applied, in place of its answer. */
  async #injectAfter(what: Fault["what"], answer: readonly Buffer[], status: TransactionStatus) {
    if (what === "cut" || typeof what === "function") {
      if (typeof what === "function") what();
      return this.cut();
    }
    if ("delayMs" in what) {
      await sleep(what.delayMs);
      this.#client.write(Buffer.concat(answer));
      return;
    }
    // What fails once it runs was parsed and bound before, and the client has been told so.
    const prepared = answer.filter(
      ([type]) => type === fromServer.parseComplete || type === fromServer.bindComplete,
    );
    const end = ready(status === "T" ? "E" : status);
    this.#client.write(Buffer.concat([...prepared, this.#injected(what), end]));
    if (endsSession(what)) this.#client.end(() => this.cut());
  }

  #injected(error: InjectedError): Buffer {
    return this.#accent.answer(injectedResponse(error), this.#statement);
  }
}

/** A FATAL error ends the session, a PANIC the server. */
function endsSession({ severity }: InjectedError): boolean {
  return severity === "FATAL" || severity === "PANIC";
}
