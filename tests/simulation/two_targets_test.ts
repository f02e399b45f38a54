import { deepStrictEqual, ok } from "node:assert/strict";
import type { TableIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { identifiersOf } from "../../core/lake/table_names.ts";
import { DataRows } from "./world/data_rows.ts";
import { LedgerView } from "./world/ledger_view.ts";
import { GRACE_MS, Life, type Tools } from "./world/life.ts";
import { lightTools } from "./world/race.ts";
import { arrayOf, invalid, valid } from "./world/raw_files.ts";
import { deletesByBatch } from "./world/upkeep_mutations.ts";

const orders = { namespace: ["orders"], name: "raw" };

/** Files that snapshots of the target's own tables need and that are gone. */
async function missing(life: Life, target: TableIdentifier): Promise<string[]> {
  const { catalog } = life.foreignSurroundings(life.disk.connect({ process: "auditor" }));
  const { events, deadLetters } = identifiersOf(target);
  const there = life.disk.files();
  const gone: string[] = [];
  for (const identifier of [events, deadLetters]) {
    const { io, metadata } = (await catalog.loadTable(identifier))!;
    ok(metadata.snapshots.length > 0);
    for (const snapshot of metadata.snapshots) {
      const { files } = await planScan(io, metadata, { snapshot });
      const paths = files.map(({ dataFile }) => io.location.pathOf(dataFile.path));
      gone.push(...paths.filter((path) => !there.has(path)));
    }
  }
  return gone;
}

/** Two targets take the same files; then one looks after its tables until nothing waits. */
async function looksAfterOne(tools: Partial<Tools>): Promise<{ deleted: number; missing: string[] }> {
  const rows = new DataRows();
  const life = new Life({ ...lightTools(rows), ...tools });
  for (const name of ["a.json", "b.json", "c.json", "d.json"]) life.land(name, arrayOf(valid(), invalid()));
  const known = new LedgerView(rows, "orders.raw");
  await life.consume({ target: orders, known, maxFilesPerBatch: 1 });
  for (let round = 0; round < 4; round++) {
    await life.consume({ maxFilesPerBatch: 1, upkeepMs: 10_000 });
    await life.wait(10 * GRACE_MS);
  }
  const deleted = life.disk.log.filter(({ name, path }) => name === "delete" && path.includes("/data/")).length;
  const gone = await missing(life, orders);
  rows.close();
  return { deleted, missing: gone };
}

Deno.test("upkeep of one target leaves the files of another alone", async () => {
  const { deleted, missing } = await looksAfterOne({});
  ok(deleted > 0, "it deleted some of its own");
  deepStrictEqual(missing, []);
});

Deno.test("it is found out when upkeep of one target touches another's files", async () => {
  const { missing } = await looksAfterOne({ store: deletesByBatch });
  ok(missing.length > 0);
});
