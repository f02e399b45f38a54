import type { ByteText } from "./byte_text.ts";
import type { EventType, ShopEvent } from "./event.ts";
import { type FixedText, fixedText, setFixedText } from "./fixed_text.ts";
import { setTimestampMember, TIMESTAMP_MEMBER_LENGTH } from "./timestamp_text.ts";
import { setUuid, UUID_LENGTH } from "./uuid_text.ts";

const typeMembers: Readonly<Record<EventType, FixedText>> = {
  page_view: fixedText('","event_type":"page_view","properties":'),
  add_to_cart: fixedText('","event_type":"add_to_cart'),
  purchase: fixedText('","event_type":"purchase'),
};
const COUNTRY_KEY = fixedText(',"country":"');
const COUNTRY_END = fixedText('"}');
const END = fixedText("}");

export function userText(id: string): FixedText {
  return fixedText(`{"user_id":"${id}","event_id":"`);
}

export function productText(id: string): FixedText {
  return fixedText(`","product_id":"${id}","properties":`);
}

/** Adds the event as one JSON object on one line: what its members are as text (`membersOf`). */
export function addEvent(text: ByteText, event: ShopEvent): void {
  const { user, product, properties } = event;
  const typeMember = typeMembers[event.type];
  let lengthMax = user.bytes.length + UUID_LENGTH + TIMESTAMP_MEMBER_LENGTH + typeMember.length;
  if (product !== undefined) lengthMax += product.bytes.length;
  for (const { bytes } of properties) lengthMax += bytes.length;
  let at = text.place(lengthMax);
  const { view } = text;
  at = setFixedText(view, at, user.bytes);
  at = setUuid(view, at, event.id);
  at = setTimestampMember(view, at, event.timestampUs);
  at = setFixedText(view, at, typeMember);
  if (product !== undefined) at = setFixedText(view, at, product.bytes);
  for (const { bytes } of properties) at = setFixedText(view, at, bytes);
  text.endAt(at);
  if (event.country === undefined) text.addFixed(END);
  else {
    text.addFixed(COUNTRY_KEY);
    text.add(event.country);
    text.addFixed(COUNTRY_END);
  }
}
