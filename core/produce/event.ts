import type { Product } from "./pools.ts";

export type EventType = "page_view" | "add_to_cart" | "purchase";

/** A valid event, by the default contract. */
export interface ShopEvent {
  userId: string;
  eventId: string;
  /** Microseconds since 1970: whole, and exact in a double until the year 2255. */
  timestampUs: number;
  type: EventType;
  /** What is put in the cart or bought; a page view has none, whatever page it is of. */
  product: Product | undefined;
  properties: Properties;
  /** The column that later files carry. */
  country: string | undefined;
}

/**
 * Keys in order, each with its value, and the whole as JSON text, escaped already. Amounts are
 * numbers in JSON.
 */
export interface Properties {
  entries: readonly (readonly [string, string])[];
  json: string;
}

/** The event as one JSON object on one line, its fields as the original producer has them. */
export function eventJson(event: ShopEvent): string {
  return '{"user_id":"' + event.userId + '","event_id":"' + event.eventId + '","event_timestamp":"' +
    eventTimestampText(event.timestampUs) + '","event_type":"' + event.type +
    (event.product === undefined ? "" : '","product_id":"' + event.product.id) + '","properties":' +
    event.properties.json + (event.country === undefined ? "}" : ',"country":"' + event.country + '"}');
}

let cachedSecond = NaN;
let cachedText = "";

/**
 * RFC 3339 in UTC with six digits and a numeric offset. The last second's text is kept: events of
 * one second come in rows.
 */
export function eventTimestampText(timestampUs: number): string {
  const second = Math.floor(timestampUs / 1e6);
  if (second !== cachedSecond) {
    cachedText = new Date(second * 1000).toISOString().slice(0, 19) + ".";
    cachedSecond = second;
  }
  return cachedText + String(1e6 + timestampUs - second * 1e6).slice(1) + "+00:00";
}
