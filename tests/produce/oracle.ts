/**
 * A second opinion on where the default contract sends what a file holds, from the published rules
 * alone: `JSON.parse`, a tokenizer for the keys that it loses, and the frames of the compressed
 * formats. Slow and simple; shares nothing with core/.
 */
import { gunzipSync, zstdDecompressSync } from "node:zlib";

export type Verdict = "event" | "invalid_schema" | "extra_fields" | "corrupted_record";
/** `corrupted_batch`, or the verdict of each record by position. */
export type FileVerdict = "corrupted_batch" | Verdict[];

export function judgeFile(path: string, bytes: Uint8Array): FileVerdict {
  const content = decompressed(path, bytes);
  if (content === undefined || content.length === 0) return "corrupted_batch";
  return /\.ndjson(\.|$)/.test(path) ? linesOf(content).map(judgeLine) : judgeArray(content);
}

function judgeArray(content: Uint8Array): FileVerdict {
  const text = decoded(content);
  const value = text === undefined ? undefined : parsed(text);
  if (text === undefined || !Array.isArray(value) || value.length === 0) return "corrupted_batch";
  return elementsOf(text).map(judgeRecord);
}

function judgeLine(line: Uint8Array): Verdict {
  const text = decoded(line);
  return text === undefined || parsed(text) === undefined ? "corrupted_record" : judgeRecord(text);
}

const known = new Set(["user_id", "event_id", "event_type", "event_timestamp", "product_id", "properties"]);

/** Judges the JSON text of one record. */
export function judgeRecord(text: string): Verdict {
  const record = parsed(text) as Record<string, unknown> | null;
  const isObject = typeof record === "object" && record !== null && !Array.isArray(record);
  if (!isObject || hasKeyTwice(text)) return "invalid_schema";
  const { user_id, event_id, event_type, event_timestamp, product_id = null, properties = null } = record;
  const strings = [user_id, event_id, event_type, event_timestamp, product_id ?? ""];
  if (strings.some((value) => typeof value !== "string")) return "invalid_schema";
  if (!isTimestamp(event_timestamp as string) || !isProperties(properties)) return "invalid_schema";
  return Object.keys(record).every((key) => known.has(key)) ? "event" : "extra_fields";
}

function isProperties(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== "object" || Array.isArray(value)) return false;
  return Object.values(value as object).every((item) => ["string", "number", "boolean"].includes(typeof item));
}

function isTimestamp(text: string): boolean {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)\.\d+[+-]\d\d:\d\d$/.exec(text);
  if (match === null) return false;
  const [, date, hour, minute, second] = match;
  const day = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date!) &&
    Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
}

/** Undefined stands for what is no JSON; no JSON text means it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

interface Token {
  text: string;
  at: number;
}

/** Tokens of valid JSON text. */
function tokensOf(text: string): Token[] {
  const pattern = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;
  return [...text.matchAll(pattern)].map((match) => ({ text: match[0], at: match.index }));
}

function hasKeyTwice(text: string): boolean {
  const open: Set<string>[] = [];
  const tokens = tokensOf(text);
  for (const [index, token] of tokens.entries()) {
    if (token.text === "{" || token.text === "[") open.push(new Set());
    if (token.text === "}" || token.text === "]") open.pop();
    if (tokens[index + 1]?.text !== ":") continue;
    const key = JSON.parse(token.text) as string;
    if (open.at(-1)!.has(key)) return true;
    open.at(-1)!.add(key);
  }
  return false;
}

/** The texts of the elements of a JSON array. */
function elementsOf(text: string): string[] {
  const elements: string[] = [];
  let depth = 0, start = 0;
  for (const token of tokensOf(text)) {
    if (token.text === "]" || token.text === "}") depth--;
    if ((token.text === "," && depth === 1) || depth === 0 && start > 0) {
      elements.push(text.slice(start, token.at));
      start = token.at + 1;
    }
    if (token.text === "[" || token.text === "{") depth++;
    if (start === 0) start = token.at + 1;
  }
  return elements;
}

function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return start < bytes.length ? [...lines, bytes.subarray(start)] : lines;
}

function decompressed(path: string, bytes: Uint8Array): Uint8Array | undefined {
  try {
    if (path.endsWith(".gz")) return bytes.length === 0 ? undefined : gunzipSync(bytes);
    if (!path.endsWith(".zst")) return bytes;
    return isWholeZstd(bytes) ? zstdDecompressSync(bytes) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * One frame that ends where the file does (RFC 8878, section 3.1.1): zlib's zstd takes the
 * beginning of one for the whole.
 */
function isWholeZstd(bytes: Uint8Array): boolean {
  const magic = [0x28, 0xb5, 0x2f, 0xfd];
  if (bytes.length < 6 || magic.some((byte, index) => bytes[index] !== byte)) return false;
  const descriptor = bytes[4]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSizeLength = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  let at = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + contentSizeLength;
  for (let isLast = false; !isLast;) {
    if (at + 3 > bytes.length) return false;
    const header = bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16;
    isLast = (header & 1) === 1;
    at += 3 + ((header >> 1 & 3) === 1 ? 1 : header >> 3);
  }
  return at + ((descriptor & 4) === 0 ? 0 : 4) === bytes.length;
}
