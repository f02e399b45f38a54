import { constants as zlibConstants, gunzipSync, zstdDecompressSync } from "node:zlib";
import { takePointedTexts } from "../json/pointed_texts.ts";
import { pointerSteps } from "../json/pointer.ts";
import { JsonReader, JsonSyntaxError, TooManyValuesError } from "../json/reader.ts";
import { skipValue } from "../json/skip.ts";
import type { Compression } from "../disk/decompress.ts";
import { eventFileKind } from "../lake/event_file.ts";
import type { RawZone } from "../lake/raw_zone.ts";

/** Of each file its head, and of so many files. */
const HEAD_BYTES = 1 << 20;
const FILES_MAX = 64;
/** Of what is packed, when it is unpacked. */
const UNPACKED_BYTES_MAX = 16 << 20;

export interface RawSample {
  /** Event files that are there, and how many of them were looked into. */
  files: number;
  sampled: number;
  /** Bytes that were read. */
  bytes: number;
  /** Files that no record could be read from, Parquet files among them. */
  unread: number;
  /** The text of each record. */
  records: string[];
}

/** The first records of files that are spread over all that the zone holds. */
export async function sampleRecords(zone: RawZone, signal: AbortSignal): Promise<RawSample> {
  const found: { path: string; compression: Compression }[] = [];
  let files = 0, unread = 0;
  for await (const { path } of zone.store.list(zone.prefix)) {
    const kind = eventFileKind(path.slice(zone.prefix.length), zone.format);
    if (kind === undefined) continue;
    files++;
    if (kind.format === "parquet") unread++;
    else found.push({ path, compression: kind.compression });
  }
  const steps = zone.recordsAt === undefined ? undefined : pointerSteps(zone.recordsAt);
  const sample: RawSample = { files, sampled: 0, bytes: 0, unread, records: [] };
  const step = Math.max(1, found.length / FILES_MAX);
  for (let at = 0; at < found.length && !signal.aborted; at += step) {
    const { path, compression } = found[Math.floor(at)]!;
    const info = await zone.store.stat(path);
    if (info === undefined) continue;
    const head = await zone.store.readRange(path, 0, Math.min(info.size, HEAD_BYTES));
    const records = recordsIn(unpacked(head, compression), steps);
    sample.sampled++;
    sample.bytes += head.length;
    if (records.length === 0) sample.unread++;
    for (const record of records) sample.records.push(record);
  }
  return sample;
}

/** What a head unpacks to: it ends where the file was cut. */
function unpacked(head: Uint8Array, compression: Compression): string {
  const decoder = new TextDecoder();
  const maxOutputLength = UNPACKED_BYTES_MAX;
  try {
    if (compression === "none") return decoder.decode(head);
    return decoder.decode(
      compression === "gzip"
        ? gunzipSync(head, { finishFlush: zlibConstants.Z_SYNC_FLUSH, maxOutputLength })
        : zstdDecompressSync(head, { finishFlush: zlibConstants.ZSTD_e_flush, maxOutputLength }),
    );
  } catch {
    return "";
  }
}

/**
 * Of an array or of values one after another, up to what is cut or no JSON; or of envelopes that
 * have their records where the steps lead to.
 */
function recordsIn(text: string, steps: readonly string[] | undefined): string[] {
  const reader = new JsonReader();
  reader.start(text);
  const records: string[] = [];
  try {
    const isArray = reader.peek() === OPEN_ARRAY;
    if (isArray) reader.pos++;
    for (;;) {
      const next = reader.peek();
      if (Number.isNaN(next) || next === CLOSE_ARRAY) return records;
      if (isArray && next === COMMA) {
        reader.pos++;
        continue;
      }
      if (steps !== undefined) takePointedTexts(reader, steps, (record) => records.push(record));
      else {
        const from = reader.pos;
        skipValue(reader);
        records.push(text.slice(from, reader.pos));
      }
    }
  } catch (error) {
    if (error instanceof JsonSyntaxError || error instanceof TooManyValuesError) return records;
    throw error;
  }
}

const OPEN_ARRAY = 0x5b, CLOSE_ARRAY = 0x5d, COMMA = 0x2c;
