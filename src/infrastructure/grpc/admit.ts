import type { DescMethod } from "@bufbuild/protobuf";
import type { ContextValues } from "@connectrpc/connect";

/** The parts of a call that arrive before its first message: enough to authenticate and authorise its caller. */
export interface CallHead {
  readonly method: DescMethod;
  readonly header: Pick<Headers, "get">;
  readonly contextValues: ContextValues;
}

/**
 * Decides whether the body of a call may be read. A refusal is stored in the call's context values and thrown from
 * there by an interceptor, so that a refused call is logged and answered like any other. Never rejects.
 */
export type Admit = (call: CallHead) => Promise<boolean>;
