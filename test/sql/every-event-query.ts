import type { PageCursor } from "../../src/domain/page-tokens.ts";
import type { EventQuery } from "../../src/interfaces/relationaldb/event-repository.ts";
import type { Repositories } from "../../src/interfaces/relationaldb/relational-repository.ts";
import { anEvent } from "../support/events.ts";

/** The arguments that the queries of events are called with. */
export interface EventArguments {
  /** A user with many events. */
  readonly userId: string;
  /** A caller with some events. */
  readonly caller: string;
  /** A place in the list of all events that is far from its beginning, and the time of one that is near it. */
  readonly deep: PageCursor;
  readonly recent: PageCursor;
  /** A place behind which there are many events. */
  readonly position: number;
}

interface RepositoryQuery {
  readonly name: string;
  readonly page: number;
  run(repositories: Repositories): Promise<unknown>;
}

const pageSize = 51;
const batch = 500;
/**
 * Two filters have no index together: an event is written with every call, and each index with it. So a list goes along the
 * better of their two indexes, and passes by what the other filter does not let through: some hundreds here.
 */
const pairPage = 5 * pageSize;

/** Every query of the repository of events. */
export function everyEventQuery(given: EventArguments): RepositoryQuery[] {
  const { userId, position } = given;
  return [
    query("events.sweep", batch, async ({ events }) => {
      // One at least, where there is nothing else.
      await events.add(anEvent({ keptForMs: -60_000 }));
      await events.place(batch);
      await events.sweep(batch);
    }),
    query("events.add", 1, ({ events }) => events.add(anEvent({ userId }))),
    query("events.add of some", 3, ({ events }) => events.add(anEvent(), anEvent(), anEvent())),
    query("events.head", 1, ({ events }) => events.head()),
    query("events.hasUnplaced", 1, ({ events }) => events.hasUnplaced()),
    query("events.listAfter", batch, ({ events }) => events.listAfter(position, batch)),
    query("events.place", batch, async ({ events }) => {
      // One at least, whatever there is.
      await events.add(anEvent());
      await events.place(batch);
    }),
    ...everyEventList(given),
  ];
}

/** Every filter alone and every pair of them, at the beginning and far behind it, with each kind of time range. */
function everyEventList({ userId, caller, deep, recent }: EventArguments): RepositoryQuery[] {
  const filters: Partial<EventQuery>[] = [
    {},
    { userId },
    { caller },
    { types: ["user.deleted"] },
    { types: ["user.deleted", "password.set"] },
    { outcome: "success" },
    { outcome: "failure" },
    { outcome: "refused" },
  ];
  const pairs = filters.flatMap((one, i) => filters.slice(i).map((other) => ({ ...one, ...other })));
  const ranges: Partial<EventQuery>[] = [
    {},
    { after: deep },
    { createdAfter: deep.createTime },
    { createdBefore: recent.createTime },
    { createdAfter: deep.createTime, createdBefore: recent.createTime, after: recent },
    { createdBefore: recent.createTime, after: deep },
  ];
  return pairs.flatMap((pair) =>
    ranges.map((range) => {
      const list: EventQuery = {
        userId: undefined,
        types: [],
        outcome: undefined,
        caller: undefined,
        createdAfter: undefined,
        createdBefore: undefined,
        after: undefined,
        limit: pageSize,
        ...pair,
        ...range,
      };
      const isPair = Object.keys(pair).length > 1;
      const names = Object.keys({ ...pair, ...range }).join(", ");
      return query(`events.list by ${names || "nothing"}`, isPair ? pairPage : pageSize, ({ events }) =>
        events.list(list),
      );
    }),
  );
}

function query(name: string, page: number, run: RepositoryQuery["run"]): RepositoryQuery {
  return { name, page, run };
}
