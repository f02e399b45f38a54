import { deepStrictEqual, throws } from "node:assert/strict";
import { childFields, renumberFields } from "../../../core/iceberg/format/schema.ts";
import type { Field } from "../../../core/iceberg/format/type.ts";
import { renumberedFile } from "../../../core/tables/write/parquet/renumbered_file.ts";
import { inFolder } from "../../support/own_folder.ts";
import { withSeed } from "../../support/seed.ts";
import { TableMaker } from "./random_table.ts";
import { writeTable } from "./written_table.ts";

function idsOf(fields: readonly Field[]): number[] {
  return fields.flatMap(({ id, type }) => [id, ...idsOf(childFields(type))]);
}

Deno.test("a renumbered file is what had been written with these field ids", () =>
  withSeed((random) =>
    inFolder((folder) => {
      for (let turn = 0; turn < 6; turn++) {
        const { fields, rows } = new TableMaker(random).table(30);
        const ids = new Map(idsOf(fields).filter(() => random.next() < 0.5).map((id) => [id, id + 1_000]));
        const [before, after] = [`${folder}/${turn}-before.parquet`, `${folder}/${turn}-after.parquet`];
        writeTable(before, fields, rows, { groupRows: 10 });
        writeTable(after, renumberFields(fields, (id) => ids.get(id) ?? id), rows, { groupRows: 10 });
        deepStrictEqual(renumberedFile(Deno.readFileSync(before), ids), Deno.readFileSync(after));
      }
      return Promise.resolve();
    })
  ));

Deno.test("what is no Parquet file is not renumbered", () => {
  for (const text of ["", "PAR1", "PAR1PAR1", "no Parquet file at all"]) {
    throws(() => renumberedFile(new TextEncoder().encode(text), new Map([[1, 2]])), RangeError, text);
  }
});
