import type { Json } from "../base/json.ts";
import { fieldOf, readJson, textOf } from "./message_json.ts";

/** S3's limit, in bytes of UTF-8; a longer one names nothing, and would take memory. */
const KEY_BYTES_MAX = 1_024;

/**
 * The URIs of the objects that a message says were created, such as `s3://bucket/raw/x.json`, never
 * percent-encoded; undefined where it is no message of S3's (Amazon S3 User Guide, "Event message
 * structure", which MinIO follows). A message that came by way of SNS is taken out of its envelope.
 */
export function createdObjects(message: Json | undefined): string[] | undefined {
  const inner = textOf(message, "Type") === "Notification" ? textOf(message, "Message") : undefined;
  return urisOf(inner === undefined ? message : readJson(inner));
}

function urisOf(message: Json | undefined): string[] | undefined {
  // What S3 sends when notifications are switched on.
  if (textOf(message, "Event") === "s3:TestEvent") return [];
  const records = fieldOf(message, "Records");
  if (!Array.isArray(records) || !records.every((record) => fieldOf(record, "s3") !== undefined)) return undefined;
  return records.map(uriOf).filter((uri) => uri !== undefined);
}

/** Undefined for anything but the creation of an object that can be named. */
function uriOf(record: Json): string | undefined {
  const s3 = fieldOf(record, "s3");
  const bucket = textOf(fieldOf(s3, "bucket"), "name"), key = textOf(fieldOf(s3, "object"), "key");
  const isCreation = /^(s3:)?ObjectCreated:/.test(textOf(record, "eventName") ?? "");
  if (!isCreation || bucket === undefined || key === undefined) return undefined;
  try {
    // Keys are written as forms do: a space is a plus sign.
    const decoded = decodeURIComponent(key.replaceAll("+", " "));
    return new TextEncoder().encode(decoded).length > KEY_BYTES_MAX ? undefined : `s3://${bucket}/${decoded}`;
  } catch {
    return undefined;
  }
}
