import { deepStrictEqual, ok } from "node:assert/strict";
import type { Compression } from "../../core/disk/decompress.ts";
import type { EventFileFormat } from "../../core/produce/options.ts";
import { collect, optionsWith, type TruthLine } from "../produce/collect.ts";
import { ConsumeWorld } from "./consume_world.ts";

const kinds: [EventFileFormat, Compression][] = [
  ["json", "none"],
  ["json", "gzip"],
  ["json", "zstd"],
  ["ndjson", "none"],
  ["ndjson", "gzip"],
  ["ndjson", "zstd"],
  ["parquet", "none"],
  ["parquet", "zstd"],
];

const often = (chance: number) => ({
  corruption: chance,
  invalidSchema: chance,
  extraFields: chance,
  duplicate: chance,
  late: chance,
});

/** Where the truth says that each record of a file goes. */
function expected({ file, counts, records }: TruthLine): string[] {
  if (counts.corrupted_batch > 0) return [`${file} whole corrupted_batch`];
  return records.map(({ position, disposition }) => `${file} ${position} ${disposition}`);
}

for (const chance of [0.05, 0.3]) {
  Deno.test(`every record that was produced is where the truth says, with every chance at ${chance}, in all formats`, () =>
    ConsumeWorld.use(async (world) => {
      const truth: TruthLine[] = [];
      for (const [index, [format, compression]] of kinds.entries()) {
        const options = { format, compression, batches: 12, batchSize: 60, seed: 7, chances: often(chance) };
        const made = await collect(optionsWith({ ...options, startMs: Date.UTC(2026, 2, 1 + index) }));
        for (const [path, bytes] of made.files) world.put(path.replace("raw/events/", ""), bytes);
        truth.push(...made.truth);
      }
      await world.consume({ maxFilesPerBatch: 40 });

      const found = await world.rows(`SELECT _source_file AS file, _source_position AS position, 'event' AS kind
          FROM {{bronze.events}} UNION ALL
        SELECT _source_file, _source_position, _dead_letter_reason FROM {{dead_letters.events}}`);
      const lines = found.map(({ file, position, kind }) => `${file} ${position ?? "whole"} ${kind}`).sort();
      const wanted = truth.flatMap(expected).sort();
      const dispositions = new Set(wanted.map((line) => line.split(" ").at(-1)));
      ok(dispositions.size >= (chance > 0.1 ? 5 : 4), [...dispositions].join());
      deepStrictEqual(lines, wanted);

      const ledger = await world.rows(
        "SELECT source_file AS file, records::INT AS records, events::INT AS events, dead_letters::INT AS letters FROM {{ingest.files}}",
      );
      deepStrictEqual(new Map(ledger.map(({ file, ...counts }) => [file, counts])), ledgerOf(truth));
    }));
}

function ledgerOf(truth: readonly TruthLine[]): Map<string, unknown> {
  const files = truth.map(({ file, counts, records }) => {
    const { event, corrupted_batch, ...bad } = counts;
    const letters = corrupted_batch + Object.values(bad).reduce((sum, count) => sum + count, 0);
    return [file, { records: corrupted_batch > 0 ? 0 : records.length, events: event, letters }] as const;
  });
  return new Map([...files].sort(([a], [b]) => a < b ? -1 : 1));
}
