import { formatCount } from "../../core/base/counted.ts";
import type { Json } from "../../core/base/json.ts";
import { countRemarks, countsOf, type FileTruth, noCounts } from "../../core/produce/truth.ts";

/** What `produce` has done so far. */
export class ProduceTally {
  files = 0;
  /** Records made, those of corrupted files included. */
  events = 0;
  bytes = 0;
  duplicates = 0;
  late = 0;
  readonly counts = noCounts();

  add(file: FileTruth, batchSize: number): void {
    this.files++;
    this.events += batchSize;
    this.bytes += file.bytes;
    this.duplicates += duplicatesOf(file);
    this.late += lateOf(file);
    const counts = countsOf(file);
    for (const kind of Object.keys(counts) as (keyof typeof counts)[]) this.counts[kind] += counts[kind];
  }

  /** `event 95, invalid_schema 3, duplicates 2`: what is not there is left out. */
  kinds(): string {
    const kinds = { ...this.counts, duplicates: this.duplicates, late: this.late };
    const seen = Object.entries(kinds).filter(([kind, count]) => count > 0 || kind === "event");
    return seen.map(([kind, count]) => `${kind} ${formatCount(count)}`).join(", ");
  }
}

/** One file as `--json` prints it. */
export function recordOf(file: FileTruth): { [key: string]: Json } {
  return {
    file: file.file,
    batch: file.batch,
    format: file.format,
    compression: file.compression,
    bytes: file.bytes,
    records: file.records,
    corrupted: file.corrupted ?? null,
    counts: { ...countsOf(file) },
    duplicates: duplicatesOf(file),
    late: lateOf(file),
  };
}

function duplicatesOf(file: FileTruth): number {
  return countRemarks(file, ({ duplicateOf }) => duplicateOf !== undefined);
}

function lateOf(file: FileTruth): number {
  return countRemarks(file, ({ lateMs }) => lateMs !== undefined);
}
