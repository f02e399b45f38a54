import { deepStrictEqual } from "node:assert/strict";
import type { Field, Type } from "../../core/iceberg/format/type.ts";
import { QueryWorld } from "../support/query_world.ts";

Deno.test("rows are counted, and the least and the greatest are told, without a file that metadata can speak for", () =>
  QueryWorld.use(async (world) => {
    const field = (name: string, type: Type): Field => ({ id: 0, name, required: false, type });
    const fields = [
      field("user_id", { type: "string" }),
      field("ts", { type: "timestamptz" }),
      field("n", { type: "int" }),
    ];
    const table = await world.lake.create("bronze.events", fields, [{ column: "ts", transform: { name: "day" } }]);
    await world.lake.append(
      table,
      `SELECT 'u' || i AS user_id, TIMESTAMPTZ '2026-03-01 00:00:00+00' + INTERVAL (i) HOUR AS ts, i::INT AS n
        FROM range(72) t(i)`,
    );
    const reasons = async (sql: string) => {
      const lines = (await world.ask(sql, { explainScan: true })).map((line) => JSON.parse(line));
      return lines.map(({ partition, action, reason }) => `${partition.slice(-2)} ${reason ?? action}`).sort();
    };
    const answered = ["01", "02", "03"].map((day) => `${day} answered from metadata`);
    deepStrictEqual(await reasons("select count(*), min(ts), max(n) - min(n) from bronze.events"), answered);
    deepStrictEqual(await reasons("select count(user_id) from bronze.events where ts >= '2026-03-02'"), [
      "01 partition",
      ...answered.slice(1),
    ]);
    // A part of a day has to be read; text is cut in metadata; a sum is not there at all.
    deepStrictEqual(await reasons("select count(*) from bronze.events where ts >= '2026-03-01 12:00'"), [
      "01 open",
      ...answered.slice(1),
    ]);
    deepStrictEqual(await reasons("select max(user_id) from bronze.events"), ["01 open", "02 open", "03 open"]);
    deepStrictEqual(await reasons("select count(*), sum(n) from bronze.events"), ["01 open", "02 open", "03 open"]);
    const question = "select count(*) c, min(ts) a, max(n) b from bronze.events where ts >= '2026-03-01 12:00'";
    const answer = ['{"c":60,"a":"2026-03-01T12:00:00Z","b":71}'];
    deepStrictEqual(await world.ask(question), answer);
    const others = `select file_path as path from bronze."events$files" where partition.ts_day <> '2026-03-01'`;
    for (const line of await world.ask(others)) await Deno.remove(JSON.parse(line).path.slice("file://".length));
    deepStrictEqual(await world.ask(question), answer);
  }));
