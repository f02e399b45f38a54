import { constants as zlibConstants, gunzipSync, zstdDecompressSync } from "node:zlib";
import { takePointedTexts } from "../json/pointed_texts.ts";
import { pointerSteps } from "../json/pointer.ts";
import { JsonReader, JsonSyntaxError, TooManyValuesError } from "../json/reader.ts";
import { skipValue } from "../json/skip.ts";
import { isKind } from "../base/errors.ts";
import type { Compression } from "../disk/decompress.ts";
import { SIGNED_BYTES } from "../disk/file_signature.ts";
import { type EventFileKind, eventFileKind } from "../lake/event_file.ts";
import type { RawZone } from "../lake/raw_zone.ts";
import type { Misnamed } from "../lake/routing_task.ts";
import { otherPacking } from "../routing/file_kind.ts";
import { ParquetSample, type ParquetSampleOptions } from "./parquet_sample.ts";
import { pathMembers, withMembers } from "../routing/path_columns.ts";

/** Of each file its head, and of so many files. */
const HEAD_BYTES = 1 << 20;
const FILES_MAX = 64;
/** Of what is packed, when it is unpacked. */
const UNPACKED_BYTES_MAX = 16 << 20;
/** After so many files that the store gives none of, one after another, none is tried any more. */
const REFUSALS_MAX = 3;

export interface RawSample {
  /** Event files that are there, and how many of them were looked into. */
  files: number;
  sampled: number;
  /** Bytes that were read; of Parquet files, those of their rows as JSON. */
  bytes: number;
  /** Files that no record could be read from. */
  unread: number;
  /** What files were read as, where their names say something else. */
  misnamed: Misnamed[];
  /** The text of each record. */
  records: string[];
}

export interface SampleOptions extends Omit<ParquetSampleOptions, "store"> {
  zone: RawZone;
  signal: AbortSignal;
}

/** The first records of files that are spread over all that the zone holds. */
export async function sampleRecords({ zone, signal, ...options }: SampleOptions): Promise<RawSample> {
  const found: (EventFileKind & { path: string })[] = [];
  for await (const { path } of zone.store.list(zone.prefix, { onPassedOver: () => {} })) {
    const kind = eventFileKind(path.slice(zone.prefix.length), zone.format);
    if (kind !== undefined) found.push({ path, ...kind });
  }
  const sample: RawSample = { files: found.length, sampled: 0, bytes: 0, unread: 0, misnamed: [], records: [] };
  const parquet = new ParquetSample({ ...options, store: zone.store });
  const step = Math.max(1, found.length / FILES_MAX);
  let refusals = 0, refusal: unknown;
  try {
    for (let at = 0; at < found.length && !signal.aborted; at += step) {
      const file = found[Math.floor(at)]!;
      let records: string[] | undefined;
      try {
        records = await recordsOf(zone, parquet, file, sample);
        refusals = 0;
      } catch (error) {
        if (!isKind(error, "unavailable") || ++refusals === REFUSALS_MAX) throw error;
        refusal = error;
        records = [];
      }
      if (records === undefined) continue;
      sample.sampled++;
      if (records.length === 0) sample.unread++;
      const members = pathMembers(file.path, zone.pathColumns ?? []);
      for (const record of records) sample.records.push(withMembers(record, members));
    }
  } finally {
    parquet.close();
  }
  if (sample.records.length === 0 && refusal !== undefined) throw refusal;
  return sample;
}

/** Undefined where the file has gone. */
async function recordsOf(
  zone: RawZone,
  parquet: ParquetSample,
  file: EventFileKind & { path: string },
  sample: RawSample,
): Promise<string[] | undefined> {
  const info = await zone.store.stat(file.path);
  if (info === undefined) return undefined;
  return file.format === "parquet" && file.compression === "none"
    ? await rowsOf(parquet, file.path, info.size, sample)
    : await textsOf(zone, file, info.size, sample);
}

async function rowsOf(parquet: ParquetSample, path: string, size: number, sample: RawSample): Promise<string[]> {
  const records = await parquet.recordsOf(path, size);
  for (const record of records) sample.bytes += record.length;
  return records;
}

async function textsOf(
  zone: RawZone,
  { path, format, compression }: EventFileKind & { path: string },
  size: number,
  sample: RawSample,
): Promise<string[]> {
  const head = await zone.store.readRange(path, 0, Math.min(size, HEAD_BYTES));
  sample.bytes += head.length;
  if (format === "parquet") return [];
  const named = compression === "none" ? undefined : compression;
  const found = otherPacking(head.subarray(0, SIGNED_BYTES), named);
  if (found !== undefined) sample.misnamed.push({ name: zone.nameBase + path, found });
  const steps = zone.recordsAt === undefined ? undefined : pointerSteps(zone.recordsAt);
  return recordsIn(unpacked(head, found === "not compressed" ? "none" : found ?? compression), steps);
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
 * Of an array or of values one after another, up to what is cut or no JSON; where each value stood
 * on a line of its own, a broken line costs no other. Of envelopes that have their records where
 * the steps lead to.
 */
function recordsIn(text: string, steps: readonly string[] | undefined): string[] {
  const reader = new JsonReader();
  reader.start(text);
  const isArray = reader.peek() === OPEN_ARRAY;
  if (isArray) reader.pos++;
  const records: string[] = [];
  let areLined = !isArray;
  for (let from = 0;;) {
    try {
      const next = reader.peek();
      if (Number.isNaN(next) || next === CLOSE_ARRAY) return records;
      if (isArray && next === COMMA) {
        reader.pos++;
        continue;
      }
      from = reader.pos;
      if (steps === undefined) skipValue(reader);
      else takePointedTexts(reader, steps, (record) => records.push(record));
      const value = text.slice(from, reader.pos);
      areLined &&= !value.includes("\n") && LINE_END.test(text.slice(reader.pos, reader.pos + LINE_END_LENGTH_MAX));
      if (steps === undefined) records.push(value);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError || error instanceof TooManyValuesError)) throw error;
      const end = areLined ? text.indexOf("\n", from) : -1;
      if (end < 0) return records;
      reader.pos = end + 1;
    }
  }
}

/** Behind a value. */
const LINE_END = /^[ \t\r]*(?:\n|$)/, LINE_END_LENGTH_MAX = 16;
const OPEN_ARRAY = 0x5b, CLOSE_ARRAY = 0x5d, COMMA = 0x2c;
