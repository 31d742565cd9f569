import { sql } from "slonik";
import { countRow, type MigrationStep } from "./migration-step.ts";

/**
 * Keeps an underscore only if a letter follows: `address_2` becomes `address2`, `a__b` becomes `a_b`, `a_` becomes
 * `a`.
 */
const converted = sql.fragment`
  regexp_replace(regexp_replace(attribute.key, '__+', '_', 'g'), '_([0-9]|$)', '\\1', 'g')`;

/** Users with two keys that would become the same. Operators see this query too: the refusal quotes it. */
const collisions = `
  select users.id
  from users
  cross join lateral jsonb_object_keys(users.attributes) as attribute (key)
  group by users.id, regexp_replace(regexp_replace(attribute.key, '__+', '_', 'g'), '_([0-9]|$)', '\\1', 'g')
  having count(*) > 1`;

export const attributeKeys: readonly MigrationStep[] = [
  {
    // Keys that a FieldMask in JSON cannot name (docs/decisions/0027-attribute-keys.md). A repeated run finds none.
    id: "0012-attribute-keys/convert",
    refusal: {
      count: sql.type(countRow)`
        select count(*)::int8 as count
        from (
          select users.id
          from users
          cross join lateral jsonb_object_keys(users.attributes) as attribute (key)
          group by users.id, ${converted}
          having count(*) > 1
        ) as collisions
      `,
      message: (count) =>
        `cannot convert attribute keys: ${count} users have two keys that would become the same, such as "address_2" ` +
        `and "address2"; rename or remove one of each and migrate again. Find them with: ${oneLine(collisions)}`,
    },
    statement: sql.unsafe`
      update users
      set
        attributes = conversion.attributes,
        update_time = now(),
        version = users.version + 1
      from (
        select users.id, jsonb_object_agg(${converted}, attribute.value) as attributes
        from users
        cross join lateral jsonb_each(users.attributes) as attribute (key, value)
        group by users.id
        having bool_or(attribute.key <> ${converted})
      ) as conversion
      where users.id = conversion.id
    `,
  },
];

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
