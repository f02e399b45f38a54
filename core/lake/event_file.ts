import type { Compression } from "../disk/decompress.ts";

export type EventFormat = "json" | "ndjson" | "parquet";

/** A raw file as it was found, with what identifies it in the ledger. */
export interface EventFile {
  /**
   * Its path in the lake (`raw/events/x.json`), or its URI where it lies elsewhere; never
   * percent-encoded.
   */
  name: string;
  /** Its path in the store that it is read from. */
  path: string;
  /** See `FileInfo.etag`. */
  etag: string;
  /** Bytes. */
  size: number;
  /** When it landed, by its store's clock, in milliseconds since 1970. */
  landedMs: number;
}

/** Files whose names say no format. */
export interface PassedOverNames {
  files: number;
  /** The first, by its path in the zone. */
  example: string | undefined;
}

export interface EventFileKind {
  format: EventFormat;
  compression: Compression;
}

const FORMAT_BY_ENDING: readonly (readonly [string, EventFormat])[] = [
  [".json", "json"],
  [".ndjson", "ndjson"],
  [".jsonl", "ndjson"],
  [".parquet", "parquet"],
];

const COMPRESSION_ENDING: Record<Compression, string> = { none: "", gzip: ".gz", zstd: ".zst" };
const COMPRESSIONS = ["gzip", "zstd"] as const;

/**
 * What a file is by its name; undefined if it is not an event file, or still being written (a part
 * of the path starts with `.` or `_`). With `override`, every other file is of that format,
 * compressed if its name says so.
 */
export function eventFileKind(path: string, override?: EventFormat): EventFileKind | undefined {
  if (isNotThereYet(path)) return undefined;
  const lower = path.toLowerCase();
  const compression = compressionOf(path);
  if (override !== undefined) return { format: override, compression };
  const bare = compression === "none" ? lower : lower.slice(0, lower.lastIndexOf("."));
  const format = FORMAT_BY_ENDING.find(([ending]) => bare.endsWith(ending))?.[1];
  if (format === undefined || (format === "parquet" && compression !== "none")) return undefined;
  return { format, compression };
}

/** Whether a part of the path starts with `.` or `_`, as of files that are still being written. */
export function isNotThereYet(path: string): boolean {
  return path.split("/").some((part) => part.startsWith(".") || part.startsWith("_"));
}

/** Told by the end of a path, whatever the file holds. */
function compressionOf(path: string): Compression {
  const lower = path.toLowerCase();
  return COMPRESSIONS.find((compression) => lower.endsWith(COMPRESSION_ENDING[compression])) ?? "none";
}

/** What the name of such a file ends with. */
export function eventFileEnding({ format, compression }: EventFileKind): string {
  const [ending] = FORMAT_BY_ENDING.find(([, known]) => known === format)!;
  // Parquet compresses its own pages, so its files need no other name.
  return format === "parquet" ? ending : ending + COMPRESSION_ENDING[compression];
}
