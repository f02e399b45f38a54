import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import { DuckDb, quotePath } from "../../core/engine/duckdb.ts";
import { readLayouts } from "../../core/tables/read/file_layout.ts";
import { pathsBySchema } from "../../core/tables/read/parquet/schema_print.ts";
import { inFolder } from "../support/own_folder.ts";

/** The statements' files, which `field_ids` and more of COPY are for. */
const FILES: Record<string, string> = {
  first: "COPY (SELECT 1 AS a, 'x' AS b) TO $ (FORMAT parquet, FIELD_IDS {a: 1, b: 2})",
  alike: "COPY (SELECT range AS i, 2 AS a, 'y' AS b FROM range(9)) TO $ (FORMAT parquet, FIELD_IDS {i: 3, a: 1, b: 2})",
  same: "COPY (SELECT 7 AS a, 'longer' AS b FROM range(5000)) TO $ (FORMAT parquet, FIELD_IDS {a: 1, b: 2})",
  renumbered: "COPY (SELECT 1 AS a, 'x' AS b) TO $ (FORMAT parquet, FIELD_IDS {a: 1, b: 5})",
  wide: `COPY (SELECT ${Array.from({ length: 900 }, (_, i) => `1 AS column_with_a_long_name_${i}`).join(", ")}) ` +
    "TO $ (FORMAT parquet, FIELD_IDS auto)",
};

Deno.test("files have their own layouts, though only one of each schema is asked for it", () =>
  inFolder(async (folder) => {
    using resources = new DisposableStack();
    const database = await DuckDb.open({ threads: 1 });
    resources.defer(() => database.close());
    const connection = await database.connect();
    resources.defer(() => connection.close());
    for (const [name, sql] of Object.entries(FILES)) {
      await connection.run(sql.replace("$", quotePath(`${folder}/${name}`)));
    }
    const paths = Object.keys(FILES).map((name) => `${folder}/${name}`);
    Deno.writeTextFileSync(`${folder}/empty`, "");
    Deno.writeTextFileSync(`${folder}/odd`, "no Parquet, but long enough to have an end");
    const odd = ["empty", "odd", "none"].map((name) => `${folder}/${name}`);

    deepStrictEqual(await pathsBySchema([...paths, ...odd]), [
      [`${folder}/first`, `${folder}/same`],
      ...["alike", "renumbered", "wide", "empty", "odd", "none"].map((name) => [`${folder}/${name}`]),
    ]);
    const together = await readLayouts(connection, paths, {});
    for (const path of paths) {
      deepStrictEqual(together.get(path), (await readLayouts(connection, [path], {})).get(path));
    }
    strictEqual(together.get(`${folder}/first`)!.key, together.get(`${folder}/same`)!.key);
    notStrictEqual(together.get(`${folder}/first`)!.key, together.get(`${folder}/renumbered`)!.key);
    strictEqual(together.size, paths.length);
  }));
