import { deepStrictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import { sha256 } from "../../core/base/sha256.ts";
import { JsonArrayScan } from "../../core/json/array_scan.ts";
import { NdjsonLines } from "../../core/json/lines.ts";
import type { Oversize } from "../../core/json/record_parts.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

type Found = [text: string, position: number, oversize: Oversize | undefined];

const BYTES_MAX = 20;
/** Shorter, as long and longer than the limit, and white space before them. */
const texts = fc.array(
  fc.tuple(
    fc.constantFrom("", " ", " ".repeat(50)),
    fc.integer({ min: 1, max: 40 }).map((length) => "7".repeat(length)),
  ),
  { minLength: 1, maxLength: 6 },
);

function expected(items: readonly string[]): Found[] {
  return items.map((item, position) => {
    const hash = sha256();
    hash.update(encode(item));
    return [item, position, item.length > BYTES_MAX ? { size: item.length, sha256: hash.hex() } : undefined];
  });
}

function push(scan: { push(chunk: Uint8Array): unknown; end(): unknown }, text: string, size: number): void {
  const bytes = encode(text);
  const chunk = new Uint8Array(size);
  for (let from = 0; from < bytes.length; from += size) {
    const part = bytes.subarray(from, from + size);
    // The same memory each time: what is held must have been copied.
    chunk.set(part);
    scan.push(chunk.subarray(0, part.length));
  }
  scan.end();
}

for (
  const [what, scanOf, textOf] of [
    [
      "lines",
      (onRecord: ConstructorParameters<typeof NdjsonLines>[0]) => new NdjsonLines(onRecord, BYTES_MAX),
      (items: readonly string[]) => items.join("\n"),
    ],
    [
      "elements",
      (onRecord: ConstructorParameters<typeof NdjsonLines>[0]) => new JsonArrayScan(onRecord, BYTES_MAX),
      (items: readonly string[]) => `[${items.join(",")}]`,
    ],
  ] as const
) {
  Deno.test(`of ${what} that are larger than a limit the head, size and SHA-256 come, wherever chunks are cut; white space before them does not count`, () => {
    fc.assert(fc.property(texts, fc.integer({ min: 1, max: 60 }), (items, size) => {
      const found: Found[] = [];
      const scan = scanOf((bytes, position, _offset, oversize) => found.push([decode(bytes), position, oversize]));
      push(scan, textOf(items.map(([space, item]) => space + item)), size);
      deepStrictEqual(found, expected(items.map(([, item]) => item)));
    }));
  });
}
