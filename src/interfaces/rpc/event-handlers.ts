import { durationMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { EventService } from "../../domain/audit/event-service.ts";
import type { EventService as EventServiceDesc } from "../../gen/auth/v1/event_service_pb.ts";
import { toEventFilter, toEventMessage } from "./event-message.ts";
import { toCall } from "./rpc-call.ts";
import { toBound } from "./timestamps.ts";

/** As documented in the API (event_service.proto). */
const defaultHeartbeatMs = 10_000;

/** Handlers of auth.v1.EventService. */
export function eventHandlers(events: EventService): ServiceImpl<typeof EventServiceDesc> {
  return {
    async listEvents({ filter, createdAfter, createdBefore, pageSize, pageToken }, context) {
      const page = await events.list(toCall(context), {
        ...toEventFilter(filter),
        createdAfter: createdAfter && toBound(createdAfter, "created_after"),
        createdBefore: createdBefore && toBound(createdBefore, "created_before"),
        pageSize,
        pageToken,
      });
      return { events: page.events.map(toEventMessage), nextPageToken: page.nextPageToken };
    },

    async *watchEvents({ filter, cursor, heartbeatInterval }, context) {
      const watch = events.watch(toCall(context), {
        ...toEventFilter(filter),
        cursor,
        heartbeatMs: heartbeatInterval ? durationMs(heartbeatInterval) : defaultHeartbeatMs,
      });
      for await (const { event, cursor } of watch) yield { event: event && toEventMessage(event), cursor };
    },
  };
}
