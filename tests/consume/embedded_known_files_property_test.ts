import { deepStrictEqual } from "node:assert/strict";
import { EmbeddedKnownFiles } from "../../core/consume/embedded_known_files.ts";
import { Scratch } from "../../core/disk/scratch.ts";
import { DuckDb } from "../../core/engine/duckdb.ts";
import { type LoadedTable, parseIdentifier, requireTable } from "../../core/iceberg/catalog/catalog.ts";
import type { KnownFile } from "../../core/consume/known_files.ts";
import fc from "../support/property.ts";
import { isThorough } from "../support/thorough.ts";
import { ConsumeWorld } from "./consume_world.ts";

const name = fc.constantFrom("a.json", "b.json", "c/d.json", "é.json", "'.json");
const etag = fc.constantFrom("1-1", "2-2", "3-3");
const outcome = fc.record({ name, etag, status: fc.constantFrom("ingested", "changed", "vanished", "reingested") });
const listed = fc.record({ name, etag }).map((file) => ({ ...file, path: file.name, size: 1, landedMs: 1 }));

/** How many are few: none, some, all. */
const limits = [0, 3, 1_000];

Deno.test("known files are the same in a map, in a table, and on the way from one to the other", () =>
  ConsumeWorld.use(async (world) => {
    await world.consume();
    const ledger = await requireTable(world.catalog, parseIdentifier("ingest.files"));
    const scratch = Scratch.create(`${world.folder}/scratch`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(outcome, { maxLength: 4 }), { maxLength: 4 }),
        fc.uniqueArray(listed, { maxLength: 6, selector: (file) => file.name }),
        fc.boolean(),
        async (batches, files, asNew) => {
          const answers = await Promise.all(limits.map(async (fewMax) => {
            const known = new EmbeddedKnownFiles(() => DuckDb.open({ threads: 1 }), "bronze.events", scratch, fewMax);
            try {
              await known.follow(ledger);
              let version: LoadedTable = ledger;
              for (const [number, batch] of batches.entries()) {
                const next = { ...version, metadataLocation: `v${number}` };
                const batchId = number + 1;
                await known.add(batch.map((file) => ({ ...file, batchId }) as KnownFile), version, next);
                version = next;
              }
              const unknown = await known.unknownNames(files.map((file) => file.name));
              return { unknown: [...unknown].sort(), ...await known.classify(files, asNew) };
            } finally {
              known.close();
            }
          }));
          for (const answer of answers) deepStrictEqual(answer, answers[0]);
        },
      ),
      { numRuns: isThorough ? 200 : 15 },
    );
  }));
