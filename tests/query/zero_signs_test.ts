import { deepStrictEqual } from "node:assert/strict";
import { QueryWorld } from "../support/query_world.ts";

Deno.test("a zero keeps its sign in whatever order it is asked for", () =>
  QueryWorld.use(async (world) => {
    const table = await world.lake.create("a.b", [
      { id: 0, name: "g", required: false, type: { type: "double" } },
      { id: 0, name: "f", required: false, type: { type: "float" } },
      { id: 0, name: "s", required: false, type: { type: "string" } },
    ]);
    await world.lake.append(
      table,
      `SELECT unnest([-0.0::DOUBLE, 0, NULL, 1]) AS g, unnest([-0.0::FLOAT, 0, 2, NULL]) AS f, unnest(['a', 'b', 'c', 'd']) AS s`,
    );
    const cases: [string, string[]][] = [
      ["select g from a.b order by g", ["-0.0", "0", "1", "null"]],
      ["select g from a.b order by G desc nulls first -- the end", ["null", "1", "-0.0", "0"]],
      ["select g from a.b order by 1 limit 2", ["-0.0", "0"]],
      ["select g from a.b order by all desc limit 4 offset 1", ["0", "-0.0", "null"]],
      ["from a.b select f order by f, s", ["-0.0", "0.0", "2.0", "null"]],
      ["select f from a.b order by 1", ["-0.0", "0.0", "2.0", "null"]],
      ["select f from a.b order by a.b.f", ["-0.0", "0.0", "2.0", "null"]],
      ["select -g as g from a.b order by g", ["-1", "0", "-0.0", "null"]],
      ["select b.g from a.b order by b.g", ["-0.0", "0", "1", "null"]],
      ['select g as "a,b" from a.b order by "A,B"', ["-0.0", "0", "1", "null"]],
      ["select {'x': g} from a.b order by 1", ['{"x":-0.0}', '{"x":0}', '{"x":1}', '{"x":null}']],
      ["select g from a.b union all select g from a.b where false order by g", ["-0.0", "0", "1", "null"]],
      ["with c as (select * from a.b order by s) select g from c order by g, s", ["-0.0", "0", "1", "null"]],
      ["select distinct g, s from a.b order by g, s desc", ["0", "-0.0", "1", "null"]],
      ["select max(g) as n from a.b group by s order by max(g)", ["-0.0", "0", "1", "null"]],
    ];
    for (const [sql, expected] of cases) {
      const lines = await world.ask(sql);
      const got = lines.map((line) => /^\{"[^"]*":(.*?)(,"s":.*)?\}$/.exec(line)![1]);
      // Equal zeros come in any order of theirs.
      deepStrictEqual(got.toSorted(), expected.toSorted(), sql);
      deepStrictEqual(
        got.map((each) => each!.replace("-0.0", "0")),
        expected.map((each) => each.replace("-0.0", "0")),
        sql,
      );
    }
  }));
