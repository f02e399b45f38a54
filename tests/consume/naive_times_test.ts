import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { parseContract, parseContractDocument } from "../../core/contract/json_schema.ts";
import { pythonTest } from "../support/python.ts";
import { ConsumeWorld } from "./consume_world.ts";

/** As pandas and Spark write times that have no zone. */
const WRITTEN: readonly { name: string; type: string; options: Record<string, unknown> }[] = [
  { name: "micros", type: "pa.timestamp('us')", options: {} },
  { name: "millis", type: "pa.timestamp('us')", options: { coerce_timestamps: "ms" } },
  { name: "nanos", type: "pa.timestamp('ns')", options: { version: "2.6" } },
  { name: "int96", type: "pa.timestamp('us')", options: { use_deprecated_int96_timestamps: true } },
];
const MILLISECOND = 1_000_000n;
/** In nanoseconds. */
const TIMES = [0n, -MILLISECOND, 1_772_359_200_123n * MILLISECOND, -9_000_000_000_000n * MILLISECOND];

function contractText(format: string): string {
  return JSON.stringify({
    type: "object",
    properties: { id: { type: "integer" }, at: { type: "string", format } },
    required: ["id"],
  });
}

pythonTest(
  "times of Parquet without a zone, INT96 included, are instants by an assumed offset",
  (python) =>
    ConsumeWorld.use(async (world) => {
      const files = WRITTEN.map(({ name, type, options }) => ({
        path: world.rawPath(`${name}.parquet`),
        columns: [
          { name: "id", type: "pa.int64()", values: TIMES.map((_, i) => ({ i: String(i) })) },
          { name: "at", type, values: TIMES.map((time) => ({ i: String(type.includes("ns") ? time : time / 1000n) })) },
        ],
        options,
      }));
      const specification = `${world.folder}/files.json`;
      await Deno.writeTextFile(specification, JSON.stringify(files));
      await python.json("write_parquet.py", specification);

      const { contract } = parseContractDocument(contractText("date-time-lenient"), { assumeOffset: "+02:00" });
      await world.consume({ contract, partitionBy: [] });
      const rows = await world.rows(
        'SELECT _source_file AS file, id, epoch_us("at") AS micros FROM {{bronze.events}} ORDER BY file, id',
      );
      const expected = TIMES.map((time) => (time - 7_200_000n * MILLISECOND) / 1000n);
      const found = Map.groupBy(rows, ({ file }) => (file as string).replace(/^.*\/|\.parquet$/g, ""));
      deepStrictEqual([...found.keys()], WRITTEN.map(({ name }) => name).sort());
      for (const [name, rows] of found) {
        deepStrictEqual(rows.map(({ micros }) => BigInt(micros as bigint)), expected, name);
      }

      for (
        const [format, hint] of [["date-time", "which date-time-lenient with --assume-offset takes"], [
          "date-time-lenient",
          "which --assume-offset gives",
        ]] as const
      ) {
        const name = format.replaceAll("-", "_");
        await world.consume({
          contract: parseContract(contractText(format)),
          partitionBy: [],
          target: { namespace: ["bronze"], name },
        });
        const letters = await world.rows(
          `SELECT DISTINCT split_part(_dead_letter_detail, ', found', 1) AS why FROM {{dead_letters.${name}}}`,
        );
        strictEqual(letters.length, 1);
        strictEqual((letters[0]!.why as string).split(": ").at(-1), `the offset is missing, ${hint}`);
      }
    }),
);
