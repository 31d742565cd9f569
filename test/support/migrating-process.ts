import { openAndClose } from "./open-and-close.ts";

/** A start of the service as far as its database goes: a process that is light enough to be killed at every statement. */
await openAndClose(process.argv[2] ?? "");
