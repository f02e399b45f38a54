import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { CLEAN_CHANCES, DIRTY_CHANCES, type ProduceOptions } from "../../core/produce/options.ts";
import { checkGolden } from "../support/golden.ts";
import { collect, type Collected, optionsWith } from "./collect.ts";

const livelyChances = { ...DIRTY_CHANCES, corruption: 0.4 };
const wholeFiles = { ...livelyChances, corruption: 0 };

/** Every way through the producer, with large files, many users and late years. */
const streams: Readonly<Record<string, Partial<ProduceOptions>>> = {
  "clean": {},
  "dirty": { batches: 40, batchSize: 120, chances: livelyChances },
  "dirty, as the benchmark makes it": { batches: 3, batchSize: 10_000, users: 1_000, seed: 1, chances: DIRTY_CHANCES },
  "evolving": { batches: 30, batchSize: 80, chances: livelyChances, evolveAfter: 9 },
  "evolving without dirt": { evolveAfter: 2 },
  "dirty lines": { batches: 40, batchSize: 120, format: "ndjson", chances: livelyChances, evolveAfter: 20 },
  "dirty rows": { batches: 12, batchSize: 40, format: "parquet", chances: livelyChances, evolveAfter: 6 },
  "array in gzip": { chances: wholeFiles, compression: "gzip" },
  "lines in zstd": { chances: wholeFiles, compression: "zstd", format: "ndjson", evolveAfter: 2 },
  "one event a file, by rate": { batches: 50, batchSize: 1, pace: { kind: "rate", eventsPerSecond: 7 }, users: 3 },
  "only late ones and repeats": { batchSize: 300, chances: { ...CLEAN_CHANCES, late: 0.9, duplicate: 0.5 } },
  "all invalid": { batchSize: 300, chances: { ...CLEAN_CHANCES, invalidSchema: 1 }, evolveAfter: 2 },
  "all with extra fields": { batchSize: 300, chances: { ...CLEAN_CHANCES, extraFields: 1 }, evolveAfter: 2 },
  "the greatest seed and the last year": { seed: 2 ** 32 - 1, startMs: Date.UTC(2199, 11, 31), users: 10_000 },
};

Deno.test("a seed gives the bytes, names and truth that it always gave", async () => {
  let digests = "";
  for (const [name, changed] of Object.entries(streams)) {
    digests += `${await digestOf(await collect(optionsWith(changed)), changed.compression)}  ${name}\n`;
  }
  await checkGolden(new URL("./goldens/streams.txt", import.meta.url), digests);
});

/** Of compressed files what they hold: a compressor may choose other bytes in its next version. */
async function digestOf({ files, truth }: Collected, compression: ProduceOptions["compression"] = "none") {
  const unpack = { none: (bytes: Uint8Array) => bytes, gzip: gunzipSync, zstd: zstdDecompressSync }[compression];
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  for (const [path, bytes] of files) parts.push(encoder.encode(`${path}\n`), unpack(bytes));
  for (const line of truth) parts.push(encoder.encode(JSON.stringify({ ...line, bytes: undefined })));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts as BlobPart[]).arrayBuffer()))
    .toHex();
}
