import { joinBytes } from "../../core/base/join_bytes.ts";
import type { Random } from "../../core/base/random.ts";

const below = (random: Random, max: number) => Math.floor(random.next() * max);

/** Some bytes, damaged as disks, networks and enemies do it; never the same as before. */
export function mutateBytes(random: Random, bytes: Uint8Array): Uint8Array {
  const at = below(random, bytes.length);
  const size = 1 + below(random, Math.min(64, bytes.length - at));
  const noise = () => random.bytes(size);
  switch (below(random, 8)) {
    case 0: {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << below(random, 8);
      return flipped;
    }
    case 1: {
      const flipped = bytes.slice();
      for (let i = 0; i < 8; i++) flipped[below(random, bytes.length)]! ^= 1 + below(random, 255);
      return flipped;
    }
    case 2:
      return bytes.slice(0, at);
    case 3:
      return bytes.slice(at);
    case 4:
      return joinBytes([bytes.subarray(0, at), noise(), bytes.subarray(at)]);
    case 5:
      return joinBytes([bytes.subarray(0, at), bytes.subarray(at + size)]);
    case 6:
      return joinBytes([bytes.subarray(0, at), noise(), bytes.subarray(at + size), noise()]);
    default:
      return joinBytes([bytes, bytes.subarray(at)]);
  }
}

type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/**
 * What stands in place of a value: of other types, beyond all bounds, or with a meaning of its own.
 */
const HOSTILE: readonly JsonValue[] = [
  null,
  true,
  -1,
  0,
  0.5,
  2 ** 31,
  2 ** 53,
  -(2 ** 62),
  1e308,
  "",
  "__proto__",
  "../../../etc/passwd",
  "v9007199254740993",
  "x".repeat(100_000),
  [],
  [null, null],
  [[]],
  {},
  { "snapshot-id": 1 },
  { type: "struct", fields: [] },
];

/** JSON text with one value taken away, exchanged, doubled or renamed somewhere within. */
export function mutateJson(random: Random, text: string): string {
  const root = JSON.parse(text) as JsonValue;
  const places: [holder: JsonValue[] | { [key: string]: JsonValue }, key: string][] = [];
  const walk = (value: JsonValue) => {
    if (value === null || typeof value !== "object") return;
    for (const [key, inner] of Object.entries(value)) {
      places.push([value as { [key: string]: JsonValue }, key]);
      walk(inner);
    }
  };
  walk(root);
  const [holder, key] = places[below(random, places.length)]!;
  const object = holder as { [key: string]: JsonValue };
  switch (below(random, 4)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete object[key];
      break;
    case 1:
      if (Array.isArray(holder)) holder.push(holder[Number(key)]!);
      else object[`${key}x`] = object[key]!;
      break;
    default:
      object[key] = HOSTILE[below(random, HOSTILE.length)]!;
  }
  return JSON.stringify(root);
}
