/** What files of other kinds begin with, by offset 0. */
const SIGNATURES: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["LZ4", [0x04, 0x22, 0x4d, 0x18]],
  ["zip", [0x50, 0x4b, 0x03, 0x04]],
  ["7z", [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
  ["Parquet", [0x50, 0x41, 0x52, 0x31]],
  ["ORC", [0x4f, 0x52, 0x43]],
  ["Avro", [0x4f, 0x62, 0x6a, 0x01]],
  ["Arrow", [0x41, 0x52, 0x52, 0x4f, 0x57, 0x31]],
];

/** Any character of ASCII but NUL, in a pattern of bytes. */
const ASCII = -1;

/**
 * How text begins that is not UTF-8: with a byte order mark, or with the first two characters of
 * JSON, which are ASCII (RFC 4627, section 3). One alone would not do: a stray NUL beside the
 * first character of a file in UTF-8 looks the same. UTF-32 comes first, for it begins as UTF-16
 * does.
 */
const ENCODINGS: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ["UTF-32 text", [0xff, 0xfe, 0x00, 0x00]],
  ["UTF-32 text", [0x00, 0x00, 0xfe, 0xff]],
  ["UTF-16 text", [0xff, 0xfe]],
  ["UTF-16 text", [0xfe, 0xff]],
  ...[0x5b, 0x7b].flatMap((opening): [string, number[]][] => [
    ["UTF-32 text", [opening, 0x00, 0x00, 0x00, ASCII, 0x00, 0x00, 0x00]],
    ["UTF-32 text", [0x00, 0x00, 0x00, opening, 0x00, 0x00, 0x00, ASCII]],
    ["UTF-16 text", [opening, 0x00, ASCII, 0x00]],
    ["UTF-16 text", [0x00, opening, 0x00, ASCII]],
  ]),
  ["GB 18030 text", [0x84, 0x31, 0x95, 0x33]],
  ["UTF-7 text", [0x2b, 0x2f, 0x76]],
];

/** How much of a file's start is checked. */
export const SIGNED_BYTES = 64 << 10;
/** From this share of its start on, bytes that cannot be text make a file binary. */
const BINARY_SHARE = 1 / 3;
/** A smaller file has few lines; each is judged by itself. */
const BINARY_BYTES_MIN = 4 << 10;

const NEWLINE = 0x0a, OPEN_OBJECT = 0x7b;
const WORD_BYTES = 4;

/**
 * How a file is packed by its first bytes. No text in UTF-8 begins so: the second byte of both
 * signatures begins no character.
 */
export function packingOf(head: Uint8Array): "gzip" | "zstd" | undefined {
  const name = named(SIGNATURES, head);
  return name === "gzip" || name === "zstd" ? name : undefined;
}

/** The format that a file's first bytes show, if it is not JSON; undefined if it may be JSON. */
export function signatureOf(head: Uint8Array): string | undefined {
  const odd = oddBytes(head);
  if (odd === 0) return undefined;
  const signed = named(SIGNATURES, head) ?? encodingOf(head);
  if (signed !== undefined) return signed;
  if (head.length < BINARY_BYTES_MIN) return undefined;
  return odd >= head.length * BINARY_SHARE && !hasObject(head) ? "binary data" : undefined;
}

/** Whether the first bytes are text in UTF-8, and none of another kind of file. */
export function isPlainText(head: Uint8Array): boolean {
  return oddBytes(head) === 0;
}

/** The encoding of text that is not UTF-8, where its first bytes show it. */
export function encodingOf(head: Uint8Array): string | undefined {
  return named(ENCODINGS, head);
}

function named(signatures: typeof SIGNATURES, head: Uint8Array): string | undefined {
  return signatures.find(([, pattern]) => pattern.every((byte, at) => isByte(head[at], byte)))?.[0];
}

function isByte(found: number | undefined, wanted: number): boolean {
  return wanted === ASCII ? found !== undefined && found > 0 && found < 0x80 : found === wanted;
}

/** Whether a whole line is an object: zeros that a crash left in a log do not make it binary. */
function hasObject(head: Uint8Array): boolean {
  for (let from = 0; from < head.length;) {
    const end = head.indexOf(NEWLINE, from);
    if (end < 0) break;
    if (head[from] === OPEN_OBJECT && isJson(head.subarray(from, end))) return true;
    from = end + 1;
  }
  return false;
}

function isJson(line: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
    return true;
  } catch {
    return false;
  }
}

/** How many bytes are control characters, or no part of a character in UTF-8 (RFC 3629). */
function oddBytes(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const lastWord = bytes.length - WORD_BYTES;
  let odd = 0;
  for (let at = 0; at < bytes.length;) {
    while (at <= lastWord && isPlainWord(view.getInt32(at, true))) at += WORD_BYTES;
    if (at === bytes.length) break;
    const byte = bytes[at]!;
    const length = characterLength(byte);
    let whole = length > 0;
    for (let next = 1; next < length && at + next < bytes.length; next++) {
      if ((bytes[at + next]! & 0xc0) !== 0x80) whole = false;
    }
    if (!whole || isControl(byte)) odd++;
    at += whole ? length : 1;
  }
  return odd;
}

/**
 * Whether four bytes are ASCII and no control characters: nearly all text is. Taking 0x20 from each
 * sets the high bit of one that is less.
 */
function isPlainWord(word: number): boolean {
  return (((word - 0x20202020) | word) & 0x80808080) === 0;
}

/** Bytes of the character that begins with this one; 0 where none does. */
function characterLength(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc2 || byte > 0xf4) return 0;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

function isControl(byte: number): boolean {
  return byte < 0x20 && byte !== 0x09 && byte !== NEWLINE && byte !== 0x0d;
}
