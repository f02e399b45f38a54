import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { runProgram } from "../../../commands/line/program.ts";
import { maintain } from "../../../commands/maintain/maintain.ts";
import { systemClock } from "../../../core/base/clock.ts";
import { StreamlabError } from "../../../core/base/errors.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { Scratch } from "../../../core/disk/scratch.ts";
import { DuckDb } from "../../../core/engine/duckdb.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { planScan } from "../../../core/iceberg/scan/scan.ts";
import { keyNumberSql } from "../../../core/lake/dedupe_sql.ts";
import { type EventKeys, KEY_WORDS } from "../../../core/routing/repeats/event_keys.ts";
import { RepeatFinder } from "../../../core/routing/repeats/repeat_finder.ts";
import { ConsumeWorld } from "../../consume/consume_world.ts";
import { scratchFolder } from "../../support/scratch_folder.ts";
import { testWorld } from "../../support/test_world.ts";

const RULE = { by: ["event_id"], at: "event_timestamp", withinMicros: "60000000" };

function line(id: string, minute: number): string {
  const event_timestamp = new Date(Date.UTC(2026, 2, 1, 0, minute)).toISOString();
  return `${JSON.stringify({ user_id: "u", event_id: id, event_type: "view", event_timestamp })}\n`;
}

async function bronze(world: ConsumeWorld): Promise<LoadedTable> {
  return (await world.catalog.loadTable({ namespace: ["bronze"], name: "events" }))!;
}

/** The same table without a row. */
function emptied(table: LoadedTable): LoadedTable {
  const metadata = { ...table.metadata, refs: {}, currentSnapshotId: undefined, snapshots: [] };
  return { ...table, metadata } as LoadedTable;
}

async function localPaths({ io, metadata }: LoadedTable): Promise<string[]> {
  const { files } = await planScan(io, metadata);
  return files.map(({ dataFile }) => new URL(dataFile.path).pathname);
}

/** A finder that notes how often it asks for a session of DuckDB. */
async function withFinder(
  world: ConsumeWorld,
  bytesMax: number,
  action: (
    finder: RepeatFinder,
    keysOf: (id: string, minute: number) => Promise<EventKeys>,
    asked: () => number,
  ) => Promise<void>,
): Promise<void> {
  const database = await DuckDb.open({ threads: 1 });
  let asked = 0;
  const connect = () => {
    asked++;
    return database.connect();
  };
  const scratch = Scratch.create(`${world.folder}/keys-${bytesMax}`);
  const finder = new RepeatFinder({ connect, scratch, random: seededRandom(1), bytesMax });
  const connection = await database.connect();
  const keysOf = async (id: string, minute: number) => {
    const [row] = await connection.rows(
      `SELECT ${keyNumberSql(RULE, finder.secret)} AS n FROM (SELECT '${id}' AS event_id)`,
    );
    const number = Array.from(
      { length: KEY_WORDS },
      (_, word) => Number(row!.n as bigint >> BigInt(32 * word) & 0xffffffffn),
    );
    return {
      files: ["raw/events/b.ndjson"],
      fileOf: Uint32Array.of(0),
      positions: Float64Array.of(0),
      numbers: Uint32Array.from(number),
      times: BigInt64Array.of(BigInt(Date.UTC(2026, 2, 1, 0, minute)) * 1000n),
    };
  };
  try {
    await action(finder, keysOf, () => asked);
  } finally {
    finder.close();
    connection.close();
    database.close();
  }
}

Deno.test("keys beyond the memory for them are left to DuckDB, and the answer is the same", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.ndjson", line("a", 0) + line("b", 0));
    await world.consume();
    const before = await bronze(world);
    // A batch with these events, which is not in the table yet.
    world.put("b.ndjson", line("b", 1) + line("c", 1));
    await world.consume();
    const old = new Set(await localPaths(before));
    const paths = (await localPaths(await bronze(world))).filter((path) => !old.has(path));
    for (const bytesMax of [0, 1 << 20]) {
      await withFinder(world, bytesMax, async (finder, keysOf) => {
        const keys = await keysOf("b", 1);
        const repeats = await finder.find(RULE, before, { keys, paths });
        deepStrictEqual(repeats, new Map([["raw/events/b.ndjson", [0]]]));
      });
    }
  }));

Deno.test("files that a batch has put into the table are not read again, unless they are not all there", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.ndjson", line("a", 0));
    await world.consume();
    const table = await bronze(world);
    const { files } = await planScan(table.io, table.metadata);
    const uris = files.map(({ dataFile }) => dataFile.path);
    for (const [placed, sessions] of [[uris, 0], [[...uris, "file:///lost.parquet"], 1]] as const) {
      await withFinder(world, 1 << 20, async (finder, keysOf, asked) => {
        const keys = await keysOf("a", 0);
        const first = await finder.find(RULE, emptied(table), { keys, paths: ["a"] });
        deepStrictEqual(first, new Map());
        finder.placed(placed);
        const second = await finder.find(RULE, table, { keys, paths: ["b"] });
        deepStrictEqual(second, new Map([["raw/events/b.ndjson", [0]]]));
        strictEqual(asked(), sessions);
      });
    }
  }));

Deno.test("rows that compaction has moved to other files are not read again", () =>
  ConsumeWorld.use(async (world) => {
    const tables: LoadedTable[] = [], placed: string[][] = [];
    for (const [index, id] of ["a", "b"].entries()) {
      world.put(`${id}.ndjson`, line(id, index));
      await world.consume();
      const table = await bronze(world);
      const { files } = await planScan(table.io, table.metadata);
      placed.push(files.map(({ dataFile }) => dataFile.path).filter((path) => !placed.flat().includes(path)));
      tables.push(table);
    }
    const [first] = tables as [LoadedTable];
    await withFinder(world, 1 << 20, async (finder, keysOf, asked) => {
      const found = async (table: LoadedTable, id: string, minute: number) =>
        (await finder.find(RULE, table, { keys: await keysOf(id, minute), paths: ["b"] })).size === 1;
      const answers = [await found(emptied(first), "a", 0)];
      finder.placed(placed[0]!);
      answers.push(await found(first, "b", 1));
      finder.placed(placed[1]!);
      await maintained(world, "--compact");
      const compacted = await bronze(world);
      for (const [id, minute] of [["a", 0], ["b", 1], ["b", 3]] as const) {
        answers.push(await found(compacted, id, minute));
      }
      deepStrictEqual(answers, [false, false, true, true, false]);
      strictEqual(asked(), 0);
    });
  }));

Deno.test("keys of rows that were deleted are forgotten when compaction takes them away, also where nobody looked meanwhile", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.ndjson", line("a", 0) + line("x", 0));
    await world.consume();
    await withFinder(world, 1 << 20, async (finder, keysOf) => {
      const isRepeat = async (id: string, minute: number) =>
        (await finder.find(RULE, await bronze(world), { keys: await keysOf(id, minute), paths: ["b"] })).size === 1;
      const answers = [await isRepeat("x", 0)];
      // All have one user, so the first row stays.
      await maintained(world, "--dedupe-by", "user_id", "--merge-on-read");
      // So far away that the file is not needed.
      answers.push(await isRepeat("y", 9 * 24 * 60));
      await maintained(world, "--compact");
      answers.push(await isRepeat("x", 0), await isRepeat("a", 0));
      deepStrictEqual(answers, [true, false, false, true]);
    });
  }));

Deno.test("keys that are read from the table have their times, also those before 1970", () =>
  ConsumeWorld.use(async (world) => {
    const minutes = { before: -40_000_000, epoch: -29_538_720, now: 0 };
    for (const [id, minute] of Object.entries(minutes)) world.put(`${id}.ndjson`, line(id, minute));
    await world.consume();
    const table = await bronze(world);
    for (const [id, minute] of Object.entries(minutes)) {
      for (const [apart, isRepeat] of [[-2, false], [-1, true], [0, true], [1, true], [2, false]] as const) {
        await withFinder(world, 1 << 20, async (finder, keysOf) => {
          const found = await finder.find(RULE, table, { keys: await keysOf(id, minute + apart), paths: ["b"] });
          deepStrictEqual(found.size === 1, isRepeat, `${id} ${apart}`);
        });
      }
    }
  }));

Deno.test("keys follow the table while others compact its files and remove rows of them", () =>
  ConsumeWorld.use(async (world) => {
    for (const minute of [0, 10, 20]) {
      world.put(`${minute}.ndjson`, line("a", minute) + line(`b${minute}`, 0));
      await world.consume();
    }
    await withFinder(world, 1 << 20, async (finder, keysOf) => {
      const repeated = async () => {
        const table = await bronze(world), found: string[] = [];
        for (const [id, minute] of [["a", 0], ["a", 10], ["a", 20], ["b0", 0], ["b20", 0]] as const) {
          const { size } = await finder.find(RULE, table, { keys: await keysOf(id, minute), paths: ["b"] });
          if (size > 0) found.push(`${id} ${minute}`);
        }
        return found;
      };
      const all = ["a 0", "a 10", "a 20", "b0 0", "b20 0"], first = ["a 0", "b0 0", "b20 0"];
      deepStrictEqual(await repeated(), all);
      await maintained(world, "--compact");
      deepStrictEqual(await repeated(), all);
      // Only the first row of each key stays.
      await maintained(world, "--dedupe-by", "event_id", "--merge-on-read");
      deepStrictEqual(await repeated(), first);
      await maintained(world, "--compact");
      deepStrictEqual(await repeated(), first);
    });
  }));

/** A finder that leaves all keys to DuckDB. `onSql` is told each statement before it runs. */
async function withSpilling(
  world: ConsumeWorld,
  onSql: (sql: string) => void,
  action: (finder: RepeatFinder) => Promise<void>,
): Promise<void> {
  const database = await DuckDb.open({ threads: 1 });
  const connect = async () => {
    const connection = await database.connect();
    const run = connection.run.bind(connection), rows = connection.rows.bind(connection);
    connection.run = async (sql) => (onSql(sql), await run(sql));
    connection.rows = async (sql) => (onSql(sql), await rows(sql));
    return connection;
  };
  const scratch = Scratch.create(`${world.folder}/keys`);
  const finder = new RepeatFinder({ connect, scratch, random: seededRandom(1), bytesMax: 0 });
  try {
    await action(finder);
  } finally {
    finder.close();
    database.close();
  }
}

Deno.test("keys of rows that are gone are forgotten, also where that fails at first", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.ndjson", line("a", 0));
    await world.consume();
    const table = await bronze(world), paths = await localPaths(table);
    let fails = true;
    const onSql = (sql: string) => {
      if (!fails || !sql.includes("FROM kept WHERE part NOT IN")) return;
      fails = false;
      throw new StreamlabError("unavailable", "Cannot finish: DuckDB ran out of memory");
    };
    await withSpilling(world, onSql, async (finder) => {
      const batch = { keys: undefined, paths };
      deepStrictEqual((await finder.find(RULE, table, batch)).size, 1);
      await rejects(finder.find(RULE, emptied(table), batch), /out of memory/);
      deepStrictEqual(await finder.find(RULE, emptied(table), batch), new Map());
      deepStrictEqual((await finder.find(RULE, table, batch)).size, 1);
    });
  }));

Deno.test("in DuckDB, too, the events of a batch are not read again, neither where it put them nor where compaction did", () =>
  ConsumeWorld.use(async (world) => {
    const versions = [], paths: string[][] = [];
    for (const [name, lines] of [["a", [line("a", 0), line("a", 1)]], ["b", [line("b", 0)]]] as const) {
      world.put(`${name}.ndjson`, lines.join(""));
      await world.consume();
      versions.push(await bronze(world));
      paths.push((await localPaths(versions.at(-1)!)).filter((path) => !paths.flat().includes(path)));
    }
    const [first, second] = versions as [LoadedTable, LoadedTable], [ofA, ofB] = paths as [string[], string[]];
    const uris = (paths: readonly string[]) => paths.map((path) => `file://${path}`);
    let readings = 0;
    const onSql = (sql: string) => {
      if (sql.startsWith("INSERT INTO kept") && sql.includes("read_parquet")) readings++;
    };
    await withSpilling(world, onSql, async (finder) => {
      const find = (table: LoadedTable, paths: readonly string[]) =>
        finder.find(RULE, table, { keys: undefined, paths });
      // The second a repeats the first one, and does not count.
      const answers = [await find(emptied(first), ofA)];
      finder.placed(uris(ofA));
      answers.push(await find(first, ofB));
      finder.placed(uris(ofB));
      await maintained(world, "--compact");
      answers.push(await find(await bronze(world), [...ofA, ...ofB]));
      // What was placed is lost: its keys are those of the table.
      finder.placed(["file:///lost.parquet"]);
      answers.push(await find(second, ofB));
      deepStrictEqual(answers, [
        new Map([["raw/events/a.ndjson", [1]]]),
        new Map(),
        new Map([["raw/events/a.ndjson", [0, 1]], ["raw/events/b.ndjson", [0]]]),
        new Map([["raw/events/b.ndjson", [0]]]),
      ]);
      strictEqual(readings, 1);
    });
  }));

async function maintained(world: ConsumeWorld, ...args: string[]): Promise<void> {
  const program = { ...testWorld({ commands: [maintain], env: { TMPDIR: scratchFolder() } }), clock: systemClock };
  strictEqual(await runProgram(["maintain", ...args, "--source", world.folder], program), 0, program.stderrText());
}
