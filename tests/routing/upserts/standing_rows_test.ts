import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { runProgram } from "../../../commands/line/program.ts";
import { maintain } from "../../../commands/maintain/maintain.ts";
import { systemClock } from "../../../core/base/clock.ts";
import { Scratch } from "../../../core/disk/scratch.ts";
import { type Connection, DuckDb } from "../../../core/engine/duckdb.ts";
import { keyNumberSql } from "../../../core/lake/dedupe_sql.ts";
import type { UpsertRule } from "../../../core/lake/upsert_rule.ts";
import { STANDING, StandingRows } from "../../../core/routing/upserts/standing_rows.ts";
import { ConsumeWorld } from "../../consume/consume_world.ts";
import { scratchFolder } from "../../support/scratch_folder.ts";
import { testWorld } from "../../support/test_world.ts";

const RULE: UpsertRule = {
  by: ["user_id"],
  newest: "event_timestamp",
  deleteWhen: { column: "event_type", is: "gone" },
};

/** Less than the notes of 150,000 rows would take; two of DuckDB's blocks may be in use. */
const PINNED_MAX = 1e6;

function line(user_id: string, minute: number, event_type = "view"): string {
  const event_timestamp = new Date(Date.UTC(2026, 2, 1, 0, minute)).toISOString();
  return `${JSON.stringify({ user_id, event_id: `${minute}`, event_type, event_timestamp })}\n`;
}

/** What DuckDB notes of rows that are deleted from its own tables, and cannot spill. */
async function pinnedBytes(connection: Connection): Promise<number> {
  const [pinned] = await connection.rows(
    "SELECT memory_usage_bytes AS bytes FROM duckdb_memory() WHERE tag = 'BASE_TABLE'",
  );
  return Number(pinned!.bytes);
}

async function withStanding(
  action: (
    world: ConsumeWorld,
    connection: Connection,
    follow: () => Promise<(users: readonly string[]) => Promise<string[]>>,
  ) => Promise<void>,
): Promise<void> {
  await ConsumeWorld.use(async (world) => {
    const database = await DuckDb.open({ threads: 1 });
    try {
      const connection = await database.connect();
      const scratch = Scratch.create(`${world.folder}/standing`);
      const standing = new StandingRows({ connection, scratch, rule: RULE, secret: "s" });
      const find = async (users: readonly string[]) => {
        await connection.run(`CREATE OR REPLACE TEMP TABLE wanted AS
SELECT user_id, ${keyNumberSql(RULE, "s")} AS key FROM (SELECT unnest(['${users.join("', '")}']) AS user_id)`);
        await standing.find("wanted");
        const rows = await connection.rows(`SELECT user_id, newest // 60000000 % 60 AS minute, is_row
FROM ${STANDING} JOIN wanted USING (key) ORDER BY 1, 2`);
        return rows.map(({ user_id, minute, is_row }) => `${user_id} ${minute}${is_row ? "" : " gone"}`);
      };
      await action(world, connection, async () => {
        await standing.follow((await world.catalog.loadTable({ namespace: ["bronze"], name: "events" }))!);
        return find;
      });
    } finally {
      database.close();
    }
  });
}

Deno.test("rows that batches and compactions took away stand no more", () =>
  withStanding(async (world, _connection, follow) => {
    const users = ["ann", "bob", "cyd", "dan"], answers: string[][] = [];
    const batches = [
      line("ann", 1) + line("bob", 2) + line("cyd", 3),
      line("ann", 4) + line("dan", 5),
      line("bob", 6, "gone"),
    ];
    for (const [index, batch] of batches.entries()) {
      world.put(`${index}.ndjson`, batch);
      await world.consume({ upsert: RULE });
      answers.push(await (await follow())(users));
    }
    await compacted(world);
    answers.push(await (await follow())(users));
    const last = ["ann 4", "bob 6 gone", "cyd 3", "dan 5"];
    deepStrictEqual(answers, [["ann 1", "bob 2", "cyd 3"], ["ann 4", "bob 2", "cyd 3", "dan 5"], last, last]);
  }));

Deno.test("rows that went take no memory that cannot be spilled", () =>
  withStanding(async (world, connection, follow) => {
    const users = Array.from({ length: 150_000 }, (_, user) => `u${user}`);
    world.put("0.ndjson", users.map((user) => line(user, 0)).join(""));
    await world.consume({ upsert: RULE });
    await follow();
    // One of each thousand: DuckDB's notes are of 2,048 rows, and 8 bytes for each of them.
    world.put("1.ndjson", users.filter((_, user) => user % 1_000 === 0).map((user) => line(user, 1)).join(""));
    await world.consume({ upsert: RULE });
    deepStrictEqual(await (await follow())(["u0", "u1000", "u149999"]), ["u0 1", "u1000 1", "u149999 0"]);
    ok(await pinnedBytes(connection) < PINNED_MAX);
  }));

Deno.test("rows that went are cleared away when they are most of what there is", () =>
  withStanding(async (world, connection, follow) => {
    const users = Array.from({ length: 6_000 }, (_, user) => `u${user}`);
    const entries: number[] = [];
    for (const minute of [0, 1, 2]) {
      world.put(`${minute}.ndjson`, users.map((user) => line(user, minute)).join(""));
      await world.consume({ upsert: RULE });
      deepStrictEqual(await (await follow())(["u0", "u5999"]), [`u0 ${minute}`, `u5999 ${minute}`]);
      const [all] = await connection.rows("SELECT count(*) AS entries FROM entries");
      entries.push(Number(all!.entries));
    }
    deepStrictEqual(entries, [6_000, 12_000, 6_000]);
  }));

async function compacted(world: ConsumeWorld): Promise<void> {
  const program = { ...testWorld({ commands: [maintain], env: { TMPDIR: scratchFolder() } }), clock: systemClock };
  strictEqual(await runProgram(["maintain", "--compact", "--source", world.folder], program), 0, program.stderrText());
}
