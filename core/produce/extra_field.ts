import type { Random } from "../base/random.ts";
import { oneOf, randomLetters } from "./choice.ts";
import { membersOf, objectText, type ShopEvent } from "./event.ts";
import type { BrokenRecord } from "./invalid_record.ts";

type Extra = (event: ShopEvent, random: Random) => readonly [name: string, json: string];

/**
 * Fields that the default contract does not name. All are at the top: its only nested object is the
 * map `properties`, whose keys are free, so a further key there leaves the record an event and only
 * ever comes along with a field at the top.
 */
export const extraFieldWays: Readonly<Record<string, Extra>> = {
  extra_field: (_event, random) => [oneOf(random, ["utm_source", "referrer"]), `"${randomLetters(random, 8)}"`],
  extra_null: () => ["coupon", "null"],
  extra_number: (_event, random) => ["cart_value", String(Math.floor(random.next() * 1e5) / 100)],
  extra_nested: (_event, random) => [
    "device",
    `{"os":{"name":"${oneOf(random, ["iOS", "Android"])}","version":${
      Math.floor(random.next() * 20)
    }},"tags":["a",{"b":null}]}`,
  ],
  extra_property_too: (_event, random) => ["campaign", `"${randomLetters(random, 6)}"`],
  /** Names are compared exactly. */
  extra_by_case: (event) => ["User_ID", JSON.stringify(event.user.id)],
  extra_awkward_name: (_event, random) => [
    oneOf(random, ["properties.url", 'say "hi"', "two words", "🛒", "x'; drop table events; --", "user_id "]),
    '"x"',
  ],
};

const ways = Object.keys(extraFieldWays);

/**
 * Adds a field in one of the ways. A page view so changed has an unknown key and lacks an optional
 * one.
 */
export function addExtraField(event: ShopEvent, random: Random): BrokenRecord {
  const way = oneOf(random, ways);
  const [name, json] = extraFieldWays[way]!(event, random);
  const members = membersOf(event);
  if (way === "extra_property_too") {
    const properties = members.find(([key]) => key === "properties")!;
    properties[1] = `${properties[1].slice(0, -1)},"campaign":"x"}`;
  }
  members.splice(Math.floor(random.next() * (members.length + 1)), 0, [name, json]);
  return { way, json: objectText(members), field: `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}` };
}
