/** Large files of envelopes, cut into parts: all the way through, by the reader's own way. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { ReaderPool } from "../../../core/routing/reader/reader_pool.ts";
import type { Placing, ReaderLimits, ReadUnit, Survey } from "../../../core/routing/reader/reading.ts";
import { WHOLE } from "./read_rows.ts";

const RECORDS = 600;
const records = Array.from({ length: RECORDS }, (_, i) => `{"id":"]},{${i}","labels":{"é":"\\\\\\""}}`);
const around = (some: readonly string[], space = "") => `{"n":[{}],"Records":[${some.join(`,${space}`)}],"end":1}`;
const few = Array.from({ length: RECORDS / 3 }, (_, i) => around(records.slice(3 * i, 3 * i + 3)));
const spread = Array.from({ length: RECORDS / 3 }, (_, i) => around(records.slice(3 * i, 3 * i + 3), "\n"));

/** How files hold all records, in order, and what their parts are then. */
const FILES: Record<string, [text: string, format: "json" | "ndjson", parts: ReadUnit["how"]]> = {
  "one envelope": [` ${around(records, "\n")}\n`, "json", "elements"],
  "one envelope on its line": [around(records), "json", "elements"],
  "lines": [few.join("\n\r\n"), "ndjson", "envelope-lines"],
  "marked lines": [`\uFEFF${few.join("\n")}\n`, "ndjson", "envelope-lines"],
  "values with a line each": [few.join("\n"), "json", "envelope-lines"],
  "values without lines": [`\uFEFF ${few.join("")}`, "json", "envelope-values"],
  "values over several lines": [spread.join(" "), "json", "envelope-values"],
};

const limits: ReaderLimits = { ...WHOLE, wholeFileBytes: 0, partBytes: 400, partBytesMax: 400 };

async function partsOf(pool: ReaderPool, path: string, how: "placed" | "placed-lines"): Promise<ReadUnit[]> {
  const placing: Placing = { recordsAt: "/Records", members: "", onEmpty: "dead-letter", judgesAll: false };
  const unit: ReadUnit = {
    number: 0,
    name: "",
    path,
    offset: 0,
    size: Deno.statSync(path).size,
    how,
    position: 0,
    placing,
  };
  const next = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const surveys = await pool.run<Survey[]>({ kind: "survey", units: [unit], limits, folder: "", next }, 2);
  return surveys.flat().flatMap(({ units }) => units);
}

Deno.test("a sound file of envelopes is cut into parts of the size that is asked for, however they stand", async () => {
  const path = await Deno.makeTempFile({ prefix: "streamlab-envelopes-" });
  const pool = new ReaderPool({ threads: 1 });
  try {
    for (const [name, [text, format, how]] of Object.entries(FILES)) {
      await Deno.writeTextFile(path, text);
      const parts = await partsOf(pool, path, format === "json" ? "placed" : "placed-lines");
      ok(parts.length > Deno.statSync(path).size / limits.partBytes / 2, `${name}: ${parts.length} parts`);
      deepStrictEqual(new Set(parts.map((part) => part.how)), new Set([how]), name);
      let position = 0;
      for (const part of parts) {
        strictEqual(part.position, position, name);
        ok(part.size <= limits.partBytes, name);
        position += part.records!;
      }
      strictEqual(position, RECORDS, name);
    }
  } finally {
    pool.close();
    await Deno.remove(path);
  }
});

Deno.test("an envelope without records among others is cut with them, and one that comes first is left whole", async () => {
  const path = await Deno.makeTempFile({ prefix: "streamlab-envelopes-" });
  const pool = new ReaderPool({ threads: 1 });
  try {
    for (const odd of ["{}", '{"Records":[]}', '{"Records":[{}],"Records":1}', '{"Records":[{}}']) {
      await Deno.writeTextFile(path, [...few, odd, ...few].join("\n"));
      const among = await partsOf(pool, path, "placed-lines");
      strictEqual(among.reduce((sum, part) => sum + part.records!, 0), 2 * RECORDS + 1, odd);
      await Deno.writeTextFile(path, [odd, ...few].join("\n"));
      strictEqual((await partsOf(pool, path, "placed-lines"))[0]!.how, "envelope-lines", odd);
      // Of a file of values the first may be the only one, and then all of it is condemned.
      deepStrictEqual(
        (await partsOf(pool, path, "placed")).map(({ how }) => how).includes("envelope-lines"),
        false,
        odd,
      );
    }
  } finally {
    pool.close();
    await Deno.remove(path);
  }
});
