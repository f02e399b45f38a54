import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import type { Predicate } from "../../core/iceberg/format/predicate.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { eventFieldIds, MaintainWorld } from "./maintain_world.ts";

const DAY_MICROS = 86_400_000_000n;
const START_MICROS = 20_513n * DAY_MICROS;
const ROWS = 40_000;

/** 1,000 users in one day, each at any time of it. */
const rows = `SELECT (hash(i) % 1000)::BIGINT AS id,
  make_timestamptz(${START_MICROS} + (hash(-i) % ${DAY_MICROS})::BIGINT) AS at, md5(i::VARCHAR) AS text
  FROM range(${ROWS}) r(i)`;

/** Files, and how many of them a question about a user, or about some minutes, opens on average. */
async function opened(world: MaintainWorld): Promise<{ files: number; user: number; time: number }> {
  const { io, metadata } = await world.load();
  const mean = async (predicateOf: (turn: number) => Predicate) => {
    const plans = Array.from({ length: 20 }, (_, turn) => planScan(io, metadata, { predicate: predicateOf(turn) }));
    return (await Promise.all(plans)).reduce((sum, { files }) => sum + files.length, 0) / plans.length;
  };
  const minutes = DAY_MICROS / 96n;
  const from = (turn: number) => START_MICROS + BigInt(turn) * DAY_MICROS / 20n;
  return {
    files: (await world.liveFiles()).length,
    user: await mean((turn) => ({ op: "=", column: "id", value: BigInt(50 * turn + 17) })),
    time: await mean((turn) => ({
      op: "and",
      of: [
        { op: ">=", column: "at", value: from(turn) },
        { op: "<", column: "at", value: from(turn) + minutes },
      ],
    })),
  };
}

Deno.test("after zorder(a, b) a question about either column opens few files, and no row has changed", () =>
  MaintainWorld.use(async (world) => {
    await world.events(0);
    await world.append(await world.file(rows, eventFieldIds));
    const all = `SELECT count(*)::INT AS n, sum(hash(id, "at", text))::VARCHAR AS print FROM bronze.events`;
    const before = await world.lake.ask(all);
    const [whole] = await world.liveFiles();
    const targetFileSize = Math.ceil(whole!.fileSizeBytes / 50);
    await world.compact({ targetFileSize, sortBy: ["id", "at"] });
    const plain = await opened(world);
    strictEqual(plain.time, plain.files, "by a plain order every file has rows of every hour");
    await world.compact({ targetFileSize, sortBy: ["zorder(id, at)"] });
    const along = await opened(world);
    ok(along.files >= 40, `${along.files} files`);
    ok(along.user < 0.4 * along.files && along.time < 0.4 * along.files, JSON.stringify(along));

    deepStrictEqual(
      (await world.liveFiles()).map(({ sortOrderId }) => sortOrderId),
      Array(along.files).fill(undefined),
    );
    deepStrictEqual(await world.lake.ask(all), before);
  }));

Deno.test("zorder names the column that is not there, and takes one to eight", () =>
  MaintainWorld.use(async (world) => {
    await world.events(2);
    await rejects(world.compact({ sortBy: ["zorder(id, nobody)"] }), /by "nobody": there is no such column/);
    await rejects(world.compact({ sortBy: ["zorder()"] }), /by "zorder\(\)": it has 0 columns/);
    await rejects(world.compact({ sortBy: [`zorder(${Array(9).fill("id")})`] }), /it has 9 columns/);
    strictEqual((await world.compact({ sortBy: ["text desc", 'zorder("id", at)'] })).outputs.records, 20);
  }));
