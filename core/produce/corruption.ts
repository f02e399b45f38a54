import { joinBytes } from "../base/join_bytes.ts";
import type { Random } from "../base/random.ts";
import { intBetween, oneOf, randomLetters } from "./choice.ts";
import type { Compression } from "../disk/decompress.ts";

const encoder = new TextEncoder();

/** Never valid in UTF-8, wherever it stands. */
const INVALID_UTF8_BYTE = 0xff;

/**
 * Ways to corrupt the text of a JSON array, which begins with `[` and ends with `]`: each leaves no
 * JSON array behind.
 */
export const arrayWays: Readonly<Record<string, (text: Uint8Array, random: Random) => Uint8Array>> = {
  cut: (text, random) => text.slice(0, intBetween(random, 1, text.length - 1)),
  garbage_tail: (text, random) =>
    joinBytes([text, encoder.encode(`${randomLetters(random, intBetween(random, 1, 40))}]`)]),
  trailing_comma: (text) => joinBytes([text.subarray(0, -1), encoder.encode(",]")]),
  not_a_number: (text) => joinBytes([text.subarray(0, -1), encoder.encode(",NaN]")]),
  two_arrays: (text) => joinBytes([text, encoder.encode("[]")]),
  empty_array: () => encoder.encode("[]"),
  invalid_utf8(text, random) {
    const at = intBetween(random, 0, text.length);
    return joinBytes([text.subarray(0, at), Uint8Array.of(INVALID_UTF8_BYTE), text.subarray(at)]);
  },
};

/** RFC 1952: a check sum and a length end the file; readers exist that do not miss them. */
const GZIP_TRAILER_LENGTH = 8;

/** Ways to break a compressed file so that it cannot be decompressed. */
export const compressedWays: Readonly<
  Record<string, (bytes: Uint8Array, random: Random, compression: Compression) => Uint8Array>
> = {
  broken_compression(bytes, random, compression) {
    const trailer = compression === "gzip" ? GZIP_TRAILER_LENGTH : 0;
    return bytes.slice(0, intBetween(random, 1, bytes.length - trailer - 1));
  },
  broken_header: (bytes) => joinBytes([encoder.encode("not!"), bytes.subarray(4)]),
};

/** Ways to break a Parquet file: its footer, at the end, is missing or not where it must be. */
export const parquetWays: Readonly<Record<string, (bytes: Uint8Array, random: Random) => Uint8Array>> = {
  cut: (bytes, random) => bytes.slice(0, intBetween(random, 1, bytes.length - 1)),
  garbage_tail: (bytes, random) => joinBytes([bytes, encoder.encode(randomLetters(random, intBetween(random, 4, 40)))]),
  broken_footer(bytes) {
    const broken = bytes.slice();
    broken.fill(0xff, -8, -4); // the footer's length
    return broken;
  },
};

/**
 * Ways to write one line that is not JSON. `json` is an object's text, so no proper prefix of it is
 * JSON.
 */
export const lineWays: Readonly<Record<string, (json: string, random: Random) => Uint8Array>> = {
  cut_line: (json, random) => encoder.encode(json.slice(0, intBetween(random, 1, json.length - 1))),
  garbage_line_end: (json, random) => encoder.encode(json + randomLetters(random, 8)),
  line_with_comma: (json) => encoder.encode(`${json},`),
  not_a_number: (json) => encoder.encode(`${json.slice(0, -1)},"product_id":NaN}`),
  single_quotes: (json) => encoder.encode(json.replaceAll('"', "'")),
  invalid_utf8(json, random) {
    const text = encoder.encode(json);
    const at = intBetween(random, 1, text.length);
    return joinBytes([text.subarray(0, at), Uint8Array.of(INVALID_UTF8_BYTE), text.subarray(at)]);
  },
};

export function breakLine(json: string, random: Random): { way: string; bytes: Uint8Array } {
  const way = oneOf(random, Object.keys(lineWays));
  return { way, bytes: lineWays[way]!(json, random) };
}
