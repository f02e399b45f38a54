import { StreamlabError } from "../base/errors.ts";
import type { ReaderLimits } from "./reader/reading.ts";

/** How the memory of a run is shared out. */
export interface MemoryShares {
  /** As many as were asked for, or as there is memory for. */
  threads: number;
  /** Of each thread. */
  limits: ReaderLimits;
  /** DuckDB's memory limit, as it writes it. */
  database: string;
  /** The same where keys of a table are held beside it, and what these may take. */
  withKeys: { database: string; keyBytes: number };
}

/** The program and its libraries, before it reads anything. */
const PROGRAM_BYTES = 130e6;
/** A thread that holds nothing yet. */
const THREAD_BYTES = 35e6;
/** What it comes to hold by the full limits, and by the smallest. */
const HELD_BYTES = 165e6, HELD_BYTES_MIN = HELD_BYTES / 5;
/** With less, DuckDB cannot even read small Parquet files. */
const DATABASE_BYTES_MIN = 96e6;
/** Of the memory: what it reads of Parquet files, it does not spill. */
const DATABASE_SHARE_MIN = 1 / 4;

/** Of DuckDB's memory: with keys in memory, it only reads a file now and then. */
const KEY_SHARE = 1 / 2;

/** Rows in a row group: as many as other writers take, and few enough for a processor's cache. */
export const GROUP_ROWS = 122_880;

const FULL: ReaderLimits = {
  wholeFileBytes: 16 << 20,
  partBytes: 8 << 20,
  partBytesMax: 64 << 20,
  groupRows: GROUP_ROWS,
  // With what one part adds to it, it fits the reader's block of 32 MB.
  groupBytes: 24 << 20,
  heldRows: 4 * GROUP_ROWS,
  heldBytes: 32 << 20,
  largeBytes: 64 << 20,
};

const UNIT_BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Less than that is not enough for one thread. */
const BYTES_MIN = PROGRAM_BYTES + DATABASE_BYTES_MIN + THREAD_BYTES + HELD_BYTES_MIN;

/**
 * Shares out what a run may take, as `--memory` names it: the program, the threads that read, and
 * DuckDB. Where that is not enough for all threads with full buffers, the buffers become smaller,
 * down to a fifth; then the threads fewer. Fails with `usage` where there is none for one.
 */
export function shareMemory(memory: string, threadsWanted: number): MemoryShares {
  const bytes = bytesOf(memory);
  const forThreads = bytes - PROGRAM_BYTES - Math.max(DATABASE_BYTES_MIN, Math.min(bytes * DATABASE_SHARE_MIN, 500e6));
  const threadBytesMin = THREAD_BYTES + HELD_BYTES_MIN;
  const threads = Math.min(threadsWanted, Math.max(1, Math.floor(forThreads / threadBytesMin)));
  if (bytes < BYTES_MIN) {
    throw new StreamlabError(
      "usage",
      `Cannot work within ${megabytes(bytes)} of memory: the program, one thread and DuckDB take ${
        megabytes(BYTES_MIN)
      }`,
      { hint: `Give at least --memory ${megabytes(BYTES_MIN).replace(" ", "")}` },
    );
  }
  const held = Math.min(HELD_BYTES, Math.max(HELD_BYTES_MIN, forThreads / threads - THREAD_BYTES));
  const database = Math.max(DATABASE_BYTES_MIN, bytes - PROGRAM_BYTES - threads * (THREAD_BYTES + held));
  const keyBytes = Math.floor(Math.min(database * KEY_SHARE, database - DATABASE_BYTES_MIN));
  return {
    threads,
    limits: scaled(held / HELD_BYTES),
    database: inBytes(database),
    withKeys: { database: inBytes(database - keyBytes), keyBytes },
  };
}

function inBytes(size: number): string {
  return `${Math.floor(size)}B`;
}

/** Of several runs in one process that share the memory: the program is there once. Bytes. */
export function shareOfTarget(bytes: number, targets: number): number {
  return Math.floor(PROGRAM_BYTES + Math.max(0, bytes - PROGRAM_BYTES) / targets);
}

/** For a run in a program that is there anyway: `memory` besides it, or as much as it needs. */
export function besideProgram(memory: string): string {
  return inBytes(Math.max(BYTES_MIN, PROGRAM_BYTES + bytesOf(memory)));
}

function scaled(by: number): ReaderLimits {
  const scale = (limit: number) => Math.floor(limit * by);
  return {
    wholeFileBytes: scale(FULL.wholeFileBytes),
    partBytes: scale(FULL.partBytes),
    partBytesMax: scale(FULL.partBytesMax),
    groupRows: scale(FULL.groupRows),
    groupBytes: scale(FULL.groupBytes),
    heldRows: scale(FULL.heldRows),
    heldBytes: scale(FULL.heldBytes),
    largeBytes: scale(FULL.largeBytes),
  };
}

function bytesOf(size: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?) ?([A-Za-z]+)$/.exec(size) ?? [];
  const bytes = Number(number) * (UNIT_BYTES[unit ?? ""] ?? NaN);
  if (Number.isNaN(bytes)) throw new StreamlabError("usage", `Cannot share out "${size}" of memory: it is no size`);
  return bytes;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
