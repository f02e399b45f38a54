import type { DedupeRule } from "../../lake/dedupe_rule.ts";

/** Words of 32 bits that a key's number has here: of 10^9 keys, two have the same by 10^-11. */
export const KEY_WORDS = 3;

/**
 * Events of a batch beyond which their keys are left to DuckDB, which spills them: 36 bytes each,
 * twice while those of the threads are joined.
 */
export const BATCH_KEYS_MAX = 500_000;

/** By what events are compared, and the secret that goes before their keys (`keyNumberSql`). */
export interface KeyRule {
  rule: DedupeRule;
  secret: string;
}

/** The events of a batch that have a key and a time, in columns. */
export interface EventKeys {
  /** Raw files by name. */
  files: readonly string[];
  /** Of each event: its file's index, */
  fileOf: Uint32Array;
  /** its position there, */
  positions: Float64Array;
  /** `KEY_WORDS` words of its key's number, the low ones first, */
  numbers: Uint32Array;
  /** and its time, microseconds since 1970. */
  times: BigInt64Array;
}

/** One after another, as of several threads; undefined where they are too many. */
export function joinKeys(parts: readonly EventKeys[]): EventKeys | undefined {
  const rows = parts.reduce((sum, { times }) => sum + times.length, 0);
  if (rows > BATCH_KEYS_MAX) return undefined;
  if (parts.length === 1) return parts[0]!;
  const joined = {
    files: [...new Set(parts.flatMap(({ files }) => files))],
    fileOf: new Uint32Array(rows),
    positions: new Float64Array(rows),
    numbers: new Uint32Array(rows * KEY_WORDS),
    times: new BigInt64Array(rows),
  };
  const indexes = new Map(joined.files.map((file, index) => [file, index]));
  let at = 0;
  for (const { files, fileOf, positions, numbers, times } of parts) {
    const renumbered = files.map((file) => indexes.get(file)!);
    for (let row = 0; row < fileOf.length; row++) joined.fileOf[at + row] = renumbered[fileOf[row]!]!;
    joined.positions.set(positions, at);
    joined.numbers.set(numbers, at * KEY_WORDS);
    joined.times.set(times, at);
    at += times.length;
  }
  return joined;
}
