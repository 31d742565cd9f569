import type { AuditEvent, NewEvent, PlacedEvent } from "../../src/domain/audit/event.ts";
import type { EventQuery, EventRepository } from "../../src/interfaces/relationaldb/event-repository.ts";
import type { StoredEvent, Tables } from "./in-memory-tables.ts";

export function events(tables: () => Tables, clock: () => Date): EventRepository {
  const all = () => [...tables().events.values()];
  const placed = () =>
    all()
      .filter((event): event is StoredEvent & PlacedEvent => event.position !== undefined)
      .sort((a, b) => a.position - b.position);
  return {
    async list(query) {
      return all()
        .filter((event) => isIn(event, query))
        .sort(youngestFirst)
        .filter((event) => query.after === undefined || youngestFirst(query.after, event) < 0)
        .slice(0, query.limit)
        .map(withoutPlace);
    },
    async head() {
      return tables().head;
    },
    async listAfter(position, limit) {
      return placed()
        .filter((event) => event.position > position)
        .slice(0, limit)
        .map(({ purgeTime: _, ...event }) => event);
    },
    async hasUnplaced() {
      return all().some(({ position }) => position === undefined);
    },
    async add(...added) {
      for (const event of added) addEvent(tables(), event, clock());
    },
    async addNew(added) {
      for (const event of added) {
        if (tables().events.has(event.id)) throw new Error(`duplicate event ${event.id}`);
        addEvent(tables(), event, clock());
      }
    },
    async place(limit) {
      const next = all()
        .filter(({ position }) => position === undefined)
        .slice(0, limit);
      for (const event of next) {
        tables().head += 1;
        tables().events.set(event.id, { ...event, position: tables().head });
      }
      return next.length;
    },
    async sweep(limit) {
      const time = clock();
      const first = placed().slice(0, limit);
      const young = first.findIndex(({ purgeTime }) => purgeTime >= time);
      const old = first.slice(0, young < 0 ? undefined : young);
      for (const { id } of old) tables().events.delete(id);
      return old.length;
    },
  };
}

/** Adds an event where there is none with its id. */
export function addEvent(tables: Tables, { keptForMs, ...event }: NewEvent, createTime: Date): void {
  if (tables.events.has(event.id)) return;
  const purgeTime = new Date(createTime.getTime() + keptForMs);
  tables.events.set(event.id, { ...event, createTime, purgeTime, position: undefined });
}

function isIn(event: AuditEvent, query: EventQuery): boolean {
  const { userId, types, outcome, caller, createdAfter, createdBefore } = query;
  return (
    (userId === undefined || event.userId === userId) &&
    (types.length === 0 || types.includes(event.type)) &&
    (outcome === undefined || event.outcome === outcome) &&
    (caller === undefined || event.caller === caller) &&
    (createdAfter === undefined || event.createTime >= createdAfter) &&
    (createdBefore === undefined || event.createTime < createdBefore)
  );
}

function withoutPlace({ purgeTime: _, position: __, ...event }: StoredEvent): AuditEvent {
  return event;
}

type Place = Pick<AuditEvent, "id" | "createTime">;

function youngestFirst(a: Place, b: Place): number {
  const byTime = b.createTime.getTime() - a.createTime.getTime();
  return byTime !== 0 ? byTime : a.id > b.id ? -1 : a.id < b.id ? 1 : 0;
}
