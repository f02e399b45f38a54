import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { QueryWorld } from "../support/query_world.ts";

Deno.test("a day of another time zone has its rows, whichever files they are in", () =>
  QueryWorld.use(async (world) => {
    const fields = [{ id: 0, name: "ts", required: false, type: { type: "timestamptz" } as const }, {
      id: 0,
      name: "n",
      required: false,
      type: { type: "int" } as const,
    }];
    const table = await world.lake.create("bronze.events", fields, [{ column: "ts", transform: { name: "day" } }]);
    const hours =
      "SELECT TIMESTAMPTZ '2026-03-01 00:00:00+00' + INTERVAL (i) HOUR AS ts, i::INT AS n FROM range(72) t(i)";
    await world.lake.append(table, hours);
    // Hour i of the lake is hour i + offset there.
    for (
      const [timeZone, offset] of [["Europe/Berlin", 1], ["Pacific/Kiritimati", 14], ["America/New_York", -5]] as const
    ) {
      for (const day of [1, 2, 3]) {
        const there = Array.from({ length: 72 }, (_, i) => i).filter((i) => Math.floor((i + offset) / 24) === day - 1);
        const date = `2026-03-0${day}`;
        for (
          const condition of [
            `ts::date = '${date}'`,
            `ts::date in ('${date}')`,
            `date_trunc('day', ts) = '${date}'`,
            `ts >= '${date}' and ts < '${date} 23:59:59.999999'`,
            `ts::date >= '${date}' and ts::date <= '${date}'`,
          ]
        ) {
          const sql = `select count(*) as n, min(n) as first from bronze.events where ${condition}`;
          deepStrictEqual(await world.ask(sql, { timeZone }), [`{"n":${there.length},"first":${there[0]}}`], sql);
        }
      }
    }
    strictEqual(
      (await world.ask("select ts::varchar as t from bronze.events limit 1", { timeZone: "Asia/Kolkata" }))[0],
      '{"t":"2026-03-01 05:30:00+05:30"}',
    );
  }));
