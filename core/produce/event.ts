import type { FixedText } from "./fixed_text.ts";
import { timestampText } from "./timestamp_text.ts";
import { type Uuid, uuidText } from "./uuid_text.ts";

export type EventType = "page_view" | "add_to_cart" | "purchase";

/** A valid event, by the default contract. */
export interface ShopEvent {
  user: EventUser;
  id: Uuid;
  /** Microseconds since 1970: whole, and exact in a double until the year 2255. */
  timestampUs: number;
  type: EventType;
  /** What is put in the cart or bought; a page view has none, whatever page it is of. */
  product: EventProduct | undefined;
  /** Its entries are those of all parts, in order. */
  properties: readonly PropertiesPart[];
  /** The column that later files carry. */
  country: string | undefined;
}

export interface EventUser {
  id: string;
  /** The beginning of the user's events (`userText`). */
  bytes: FixedText;
}

export interface EventProduct {
  id: string;
  /** The key and the value of the product's events (`productText`). */
  bytes: FixedText;
}

/** Some of an event's properties, which other events have too. */
export interface PropertiesPart {
  /** Amounts are numbers in JSON. */
  entries: readonly (readonly [key: string, value: string])[];
  /** The JSON text, which all parts of an event make together, escaped already. */
  json: string;
  bytes: FixedText;
}

export function propertiesJson({ properties }: ShopEvent): string {
  return properties.map(({ json }) => json).join("");
}

const PLAIN_KEY = /^\w*$/;

type Members = [key: string, json: string][];

/** The event's fields, each value as JSON text, in the order of the original producer. */
export function membersOf(event: ShopEvent): Members {
  const members: Members = [
    ["user_id", `"${event.user.id}"`],
    ["event_id", `"${uuidText(event.id)}"`],
    ["event_timestamp", `"${timestampText(event.timestampUs)}"`],
    ["event_type", `"${event.type}"`],
  ];
  if (event.product !== undefined) members.push(["product_id", `"${event.product.id}"`]);
  members.push(["properties", propertiesJson(event)]);
  if (event.country !== undefined) members.push(["country", `"${event.country}"`]);
  return members;
}

export function objectText(members: Members): string {
  let text = "";
  for (const [key, json] of members) text += (text === "" ? "{" : ",") + keyText(key) + ":" + json;
  return text === "" ? "{}" : text + "}";
}

/** As JSON; what needs no escape, which most keys are, is not looked at twice. */
function keyText(key: string): string {
  return PLAIN_KEY.test(key) ? '"' + key + '"' : JSON.stringify(key);
}
