import type { Random } from "../base/random.ts";
import { oneOf, randomLetters } from "./choice.ts";
import { membersOf, objectText, propertiesJson, type PropertiesPart, type ShopEvent } from "./event.ts";
import { timestampText } from "./timestamp_text.ts";
import { uuidText } from "./uuid_text.ts";

/** A record's JSON text, and what was done to it. */
export interface BrokenRecord {
  json: string;
  way: string;
  /** JSON pointer; undefined where no single place is to blame. */
  field: string | undefined;
}

type Breaker = (event: ShopEvent, random: Random) => Omit<BrokenRecord, "way">;

const REQUIRED_FIELDS = ["user_id", "event_id", "event_type", "event_timestamp"] as const;
/** What is no string, as JSON. */
const NOT_STRINGS = ["42", "3.5", "true", '["x"]', '{"value":"x"}'] as const;

/** Each way breaks rule 2 of "Where each record goes", whatever else is true of the record. */
export const invalidWays: Readonly<Record<string, Breaker>> = {
  missing_required(event, random) {
    const name = oneOf(random, REQUIRED_FIELDS);
    return { json: objectText(membersOf(event).filter(([key]) => key !== name)), field: `/${name}` };
  },
  null_required: (event, random) => replaced(event, oneOf(random, REQUIRED_FIELDS), "null"),
  wrong_type(event, random) {
    const name = oneOf(random, [...REQUIRED_FIELDS, "product_id", "properties"]);
    const values = name === "properties" ? ['"x"', "42", "[]", "false"] : NOT_STRINGS;
    return replaced(event, name, oneOf(random, values));
  },
  not_an_object(event, random) {
    const text = `"${uuidText(event.id)}"`;
    return { json: oneOf(random, ["42", "null", "true", text, `[${text}]`, "[]"]), field: "" };
  },
  /** The original producer's only way. */
  random_keys(_event, random) {
    return { json: objectText([[randomLetters(random, 20), `"${randomLetters(random, 20)}"`]]), field: undefined };
  },
  bad_timestamp(event, random) {
    const good = timestampText(event.timestampUs);
    const texts = [
      good.slice(0, -"+00:00".length), // no offset
      good.slice(0, "2026-01-01".length),
      `${good.slice(0, 4)}-02-30${good.slice(10)}`,
      `${good.slice(0, 4)}-13${good.slice(7)}`,
      `${good.slice(0, 11)}25${good.slice(13)}`,
      String(Math.floor(event.timestampUs / 1e6)),
      "yesterday",
      "",
    ];
    return replaced(event, "event_timestamp", JSON.stringify(oneOf(random, texts)));
  },
  nested_property(event, random) {
    const entries = entriesOf(event);
    const [name] = oneOf(random, entries);
    const members = entries.map(([key, value]): [string, string] => {
      const text = JSON.stringify(value);
      return [key, key === name ? oneOf(random, [`{"value":${text}}`, `[${text}]`]) : text];
    });
    return { ...replaced(event, "properties", objectText(members)), field: `/properties/${name}` };
  },
  duplicate_key(event, random) {
    const name = oneOf(random, [...REQUIRED_FIELDS, "properties"]);
    const members = membersOf(event);
    const [, json] = members.find(([key]) => key === name)!;
    // The same value again is no better: the key stands twice.
    members.push([name, random.next() < 0.5 ? json : name === "properties" ? "{}" : `"${randomLetters(random, 8)}"`]);
    return { json: objectText(members), field: `/${name}` };
  },
  duplicate_property(event, random) {
    const [name] = oneOf(random, entriesOf(event));
    const twice = `{"${name}":"x",${propertiesJson(event).slice(1)}`;
    return { ...replaced(event, "properties", twice), field: `/properties/${name}` };
  },
};

const ways = Object.keys(invalidWays);

/** Breaks `event` in one of the ways, each as likely as the others. */
export function breakRecord(event: ShopEvent, random: Random): BrokenRecord {
  const way = oneOf(random, ways);
  return { way, ...invalidWays[way]!(event, random) };
}

/**
 * The event with another value for one field, which stands at its place, or last where the event
 * has none.
 */
function replaced(event: ShopEvent, name: string, json: string): Omit<BrokenRecord, "way"> {
  const members = membersOf(event);
  const place = members.findIndex(([key]) => key === name);
  members.splice(place < 0 ? members.length : place, place < 0 ? 0 : 1, [name, json]);
  return { json: objectText(members), field: `/${name}` };
}

function entriesOf({ properties }: ShopEvent): PropertiesPart["entries"] {
  return properties.flatMap(({ entries }) => entries);
}
