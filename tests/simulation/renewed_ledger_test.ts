import { deepStrictEqual } from "node:assert/strict";
import type { Pause } from "../../core/consume/between_batches.ts";
import { Consumer } from "../../core/consume/consumer.ts";
import { LEDGER } from "../../core/lake/table_names.ts";
import { DataRows } from "./world/data_rows.ts";
import { auditLake } from "./world/lake_audit.ts";
import { Life } from "./world/life.ts";
import { lightTools } from "./world/race.ts";
import { arrayOf, valid } from "./world/raw_files.ts";

Deno.test("a ledger that upkeep hands over does not hide another consumer's batch: its file is not taken twice", async () => {
  const rows = new DataRows();
  const life = new Life(lightTools(rows));
  for (const name of ["a.json", "b.json"]) life.land(name, arrayOf(valid(), valid()));
  const { signal } = new AbortController();
  const consumer = (process: string, betweenBatches?: (pause: Pause) => Promise<void>) =>
    Consumer.start(life.options(life.disk.connect({ process }), { maxFilesPerBatch: 1, betweenBatches }));
  const first = await consumer("first", async ({ doneBatchId, renew }) => {
    if (doneBatchId !== 1n) return;
    await (await consumer("second")).takeAll(signal, true);
    const { catalog } = life.surroundings(life.disk.connect({ process: "upkeep" }));
    renew((await catalog.loadTable(LEDGER))!);
  });
  await first.takeAll(signal, true);
  deepStrictEqual(await auditLake(life.disk, life.truth, rows), []);
  rows.close();
});
