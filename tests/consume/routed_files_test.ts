import { rejects } from "node:assert/strict";
import { isKind } from "../../core/base/errors.ts";
import { seededRandom } from "../../core/base/random.ts";
import { RoutedFiles } from "../../core/consume/routed_files.ts";
import { currentSchema } from "../../core/iceberg/format/table_metadata.ts";
import { renumberedFile } from "../../core/tables/write/parquet/renumbered_file.ts";
import { withBench } from "../iceberg/sample_table.ts";

Deno.test("a copy that memory does not hold is not told as a damaged file", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    const { location } = table.io;
    await location.store.write(location.pathInStore("data/a.parquet"), new TextEncoder().encode("no Parquet"));
    const file = { path: "data/a.parquet", records: "1", size: "1", partition: [null], columns: [] };
    const part = { specId: 0, files: [file] } as unknown as ConstructorParameters<typeof RoutedFiles>[1];
    const fit = {
      change: { requirements: [], updates: [] },
      ids: new Map([[1, 2]]),
      schema: currentSchema(table.metadata),
    };
    const commit = (renumber: typeof renumberedFile) =>
      new RoutedFiles(table, part, { batchId: 1, random: seededRandom(1), renumber }).fitting(fit);
    await rejects(commit(renumberedFile), (error) => isKind(error, "corrupt"));
    await rejects(
      commit(() => new Uint8Array(2 ** 50)),
      (error) => isKind(error, "unavailable") && /Cannot commit .* does not fit into memory/.test(error.message),
    );
  }));
