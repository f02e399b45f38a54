import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { updateSchema } from "../../core/iceberg/action/update_schema.ts";
import type { Field, Type } from "../../core/iceberg/format/type.ts";
import { QueryWorld } from "../support/query_world.ts";

const field = (name: string, type: Type): Field => ({ id: 0, name, required: false, type });

/** Snapshots of a.events: one row, two, and three of which the column has a new name. */
async function withVersions(
  action: (world: QueryWorld, snapshots: { id: bigint; time: string }[]) => Promise<void>,
): Promise<void> {
  await QueryWorld.use(async (world) => {
    const table = await world.lake.create("a.events", [field("n", { type: "int" })]);
    await world.lake.append(await world.lake.append(table, "SELECT 1 AS n"), "SELECT 2 AS n");
    const renamed = await world.lake.commit("a.events", (transaction) => {
      transaction.add(updateSchema(transaction.metadata, [{ change: "rename-column", path: "n", name: "number" }]));
    });
    const { metadata } = await world.lake.append(renamed, "SELECT 3 AS number");
    const snapshots = metadata.snapshotLog.map(({ snapshotId: id, timestampMs }) => ({
      id,
      time: new Date(timestampMs).toISOString(),
    }));
    await action(world, snapshots);
  });
}

const isRefused = (pattern: RegExp) => (error: unknown) => {
  ok(error instanceof StreamlabError, String(error));
  match(`${error.message} | ${error.hint}`, pattern);
  return true;
};

Deno.test("a table is asked as it was at a snapshot or a time that stands behind its name", () =>
  withVersions(async (world, [first, second]) => {
    const { id } = first!;
    const cases: [sql: string, answer: string[]][] = [
      [`select n from a.events at (version => ${id})`, ['{"n":1}']],
      [`select e.n from A.Events as e AT ( VERSION => '${id}' /* ) */ ) where e.n > 0`, ['{"n":1}']],
      [`from "a" . "events" at (timestamp => '${second!.time}') select max(n) as n`, ['{"n":2}']],
      [`select max(n) as n from a.events at (timestamp => timestamptz '${second!.time}' + interval 0 days)`, [
        '{"n":2}',
      ]],
      ["select max(number) as n from a.events at (timestamp => now())", ['{"n":3}']],
      [
        `select a.n, b.n as m, c.number as k from a.events at (version => ${id}),
          a.events b at (version => ${second!.id}), a.events c where c.number = 3 order by all`.replaceAll(
          "a.n",
          "events.n",
        ),
        ['{"n":1,"m":1,"k":3}', '{"n":1,"m":2,"k":3}'],
      ],
      [`select number from a.events except select n from a.events at (version => ${second!.id})`, ['{"number":3}']],
      [
        `with c as (from a.events at (version => ${id})) select (select max(number) from a.events) as n, c.n as m from c`,
        [
          '{"n":3,"m":1}',
        ],
      ],
      [`select count(*)::int as n from a."events$files" at (version => ${second!.id})`, ['{"n":2}']],
      [`select column_name as n from (describe from a.events at (version => ${id}))`, ['{"n":"n"}']],
      [`select 'ü a.events at (version => 1)' as t, n from a.events at (version => ${id}) -- at (version => 1)`, [
        '{"t":"ü a.events at (version => 1)","n":1}',
      ]],
    ];
    for (const [sql, answer] of cases) deepStrictEqual(await world.ask(sql), answer, sql);
    // What stands behind a name goes before --snapshot, which holds for the others.
    deepStrictEqual(
      await world.ask(`select a.n, b.n as m from a.events a, a.events b at (version => ${id})`, { snapshotId: id }),
      ['{"n":1,"m":1}'],
    );
  }));

Deno.test("each version of a table is listed with the files that it needs", () =>
  withVersions(async (world, [first]) => {
    const lines = await world.ask(`select a.n from a.events a at (version => ${first!.id}), a.events b`, {
      explainScan: true,
    });
    const tables = lines.map((line) => JSON.parse(line).table).sort();
    deepStrictEqual(tables, ["a.events", "a.events", "a.events", `a.events at ${first!.id}`]);
  }));

Deno.test("an instant behind a table's name is read in the question's time zone", () =>
  withVersions(async (world, [first]) => {
    const local = (hours: number) => new Date(Date.parse(first!.time) + hours * 3_600_000).toISOString().slice(0, -1);
    const ask = (time: string) =>
      world.ask(`from a.events at (timestamp => '${time}') select max(n) as n`, { timeZone: "Etc/GMT-5" });
    deepStrictEqual(await ask(local(5)), ['{"n":1}']);
    await rejects(() => ask(local(4)), isRefused(/had no snapshot at/));
  }));

Deno.test("a version that is not there, or is no constant, is refused with what there is", () =>
  withVersions(async (world, [first, second, third]) => {
    const newest = [third!, second!, first!].map(({ id, time }) => `${id} of ${time}`).join(", ");
    const cases: [sql: string, said: RegExp][] = [
      ["from a.events at (version => 5)", new RegExp(`^a\\.events has no snapshot 5 \\| The newest are ${newest};`)],
      [
        "from a.events at (timestamp => '2001-01-01')",
        new RegExp(
          `had no snapshot at 2001-01-01T00:00:00.000Z .*begins at ${first!.time}, with snapshot ${first!.id}`,
        ),
      ],
      ["from a.events at (version => 'x')", /AT \(VERSION => …\) takes the id of a snapshot/],
      ["from a.events at (timestamp => null)", /AT \(TIMESTAMP => …\) takes an instant/],
      ["from a.events at (timestamp => 'x')", /takes an instant/],
      ["from a.events at (version => n)", /takes a constant, no column/],
      ["from a.events at (version => (select 1))", /takes a constant, no column and no subquery/],
      ["from a.events at (version => getenv('HOME'))", /function getenv/],
      ["with c as (select 1) from c at (version => 1)", /AT \(…\) is not behind a table of the lake/],
      ["from ingest.batches at (version => 1)", /ingest\.batches has no versions/],
      ["from a.events at (version => 1) as e", /An alias stands before AT/],
      ["describe a.events at (version => 1)", /DESCRIBE FROM bronze\.events AT/],
      [`select x from a.events at (version => ${first!.id})`, /"x" not found.*line 1, column 8, near x/],
    ];
    for (const [sql, said] of cases) await rejects(() => world.ask(sql), isRefused(said), sql);
  }));
