/** A process of the stress test: appends files to the table, one commit each,. */
import { systemClock } from "../../core/base/clock.ts";
import { systemRandom } from "../../core/base/random.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { Bench, identifier } from "../iceberg/sample_table.ts";

const [root, worker, appends] = Deno.args;
const bench = new Bench(openLocalStore(root!, { random: systemRandom, durable: false }), systemClock, systemRandom);
let base = await bench.load();
for (let i = 0; i < Number(appends); i++) {
  const path = base.io.location.uriOf(`data/${worker}-${i}.parquet`);
  const append = { files: [bench.file(base, 0, { path })] };
  const result = await commitTable(bench.catalog, identifier, async (transaction) => {
    transaction.add(await appendFiles(transaction, append));
  }, {
    clock: systemClock,
    random: systemRandom,
    base,
    attemptsMax: 1_000_000,
    deadlineMs: systemClock.nowMs() + 300_000,
  });
  base = result.table;
}
