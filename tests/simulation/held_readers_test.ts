import { deepStrictEqual, match, ok } from "node:assert/strict";
import { recordAt } from "../../core/lake/layout.ts";
import type { Store } from "../../core/storage/store.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { DataRows } from "./world/data_rows.ts";
import { HeldReaders, type HeldReads } from "./world/held_readers.ts";
import { type CrashPoint, GRACE_MS, Life, type Tools } from "./world/life.ts";
import { auditLake } from "./world/lake_audit.ts";
import { withMethods } from "./world/mutations.ts";
import { lightTools } from "./world/race.ts";
import { arrayOf, extra, invalid, valid } from "./world/raw_files.ts";
import { deletesEarly } from "./world/upkeep_mutations.ts";

const BATCHES = 16;

/**
 * A consumer is started again and again, compacts, expires and deletes, for longer than readers
 * hold on to what they loaded.
 */
async function story(
  seed: number,
  { broken = {}, crashes = [] }: { broken?: Partial<Tools>; crashes?: readonly CrashPoint[] } = {},
): Promise<HeldReads & { gone: string[] }> {
  const rows = new DataRows();
  const disk = new SimulatedDisk({ seed, latencyMsMax: 20 });
  const life = new Life({ ...lightTools(rows), ...broken }, crashes, { disk, truth: new Map(), seed });
  const readers = new HeldReaders(life, rows);
  for (let batch = 0; batch < BATCHES; batch++) {
    life.land(`${batch}.json`, arrayOf(valid(), invalid(), valid(), extra()));
    await life.consume({ maxFilesPerBatch: 1, upkeepMs: 15_000 });
    await life.wait(GRACE_MS / 4);
  }
  const there = life.disk.files();
  const reads = await readers.end();
  const problems = [...reads.problems, ...life.notes, ...await auditLake(life.disk, life.truth, rows)];
  return { ...reads, problems, gone: [...reads.files].filter((path) => !there.has(path)) };
}

Deno.test("a reader that holds a snapshot through its grace reads it whole, from whichever commit it began, whoever dies meanwhile", async () => {
  let readers = 0, gone = 0;
  for (const seed of [1, 2, 3]) {
    const crashes = Array.from({ length: seed === 1 ? 0 : 20 }, (_, crash) => {
      return { ordinal: (1 + crash) * (440 + seed), phase: crash % 2 === 0 ? "after" as const : "before" as const };
    });
    const reads = await story(seed, { crashes });
    deepStrictEqual(reads.problems, []);
    readers += reads.readers;
    gone += reads.gone.length;
  }
  // Else nobody took away what they read.
  ok(readers > 24 * BATCHES && gone > 2 * BATCHES, `${readers} readers, ${gone} files are gone`);
});

/** What a snapshot's readers begin with goes with it, and all else in its time. */
const takesLists = (store: Store): Store =>
  withMethods(store, {
    async write(path, bytes) {
      await store.write(path, bytes);
      if (recordAt(path)?.kind !== "removal") return;
      const { released, manifestLists } = JSON.parse(new TextDecoder().decode(bytes));
      if (!released) return;
      await store.deletePaths(manifestLists.map((uri: string) => uri.slice(uri.indexOf("warehouse/"))));
    },
  });

for (
  const { name, store } of [
    { name: "files are deleted before their grace", store: deletesEarly },
    { name: "manifest lists go with their snapshots", store: takesLists },
  ]
) {
  Deno.test(`readers that hold snapshots find out when ${name}`, async () => {
    const { problems } = await story(1, { broken: { store } });
    match(problems[0] ?? "nothing", /^a reader of .*there is no such file/);
  });
}
