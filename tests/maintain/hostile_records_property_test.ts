/** A fuzz: whatever a durable record has become, upkeep refuses it or loses nothing outside. */
import { deepStrictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import type { Random } from "../../core/base/random.ts";
import { SqlError } from "../../core/engine/sql_error.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import { Checkpoint } from "../../core/lake/checkpoint.ts";
import { newRewriteStem } from "../../core/lake/data_file_name.ts";
import { rewrittenBegin, writeIntent } from "../../core/lake/intent.ts";
import { expireTable } from "../../core/maintain/removal/expire.ts";
import { removeLeftovers } from "../../core/maintain/removal/leftovers.ts";
import { removeOrphans } from "../../core/maintain/removal/orphans.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";
import { copyTree, hostileTexts, mutate, pick } from "../support/mutated_record.ts";
import { isThorough } from "../support/thorough.ts";
import { age, ALL, FOLDER, litter, stranger as litterAt, withStranger } from "./enemy.ts";
import { MaintainWorld } from "./maintain_world.ts";
import { batchPlan, routedBatch } from "./records.ts";

const LAKES = isThorough ? 750 : 75;

/** Kinds of records, and the file of each in the lake. */
const RECORDS = {
  plan: "checkpoints/bronze.events/000000000008.plan.json",
  routed: "checkpoints/bronze.events/000000000007.routed.json",
  metadata: "",
  hint: `${FOLDER}/metadata/version-hint.text`,
  intent: "",
};
type RecordKind = keyof typeof RECORDS;

/** A lake with a record of each kind, with garbage that may go, and what must stay. */
async function makeLake(world: MaintainWorld): Promise<LoadedTable> {
  const table = await world.events(3);
  await world.compact();
  await world.lake.append(
    await world.lake.create("lab.other", table.metadata.schemas[0]!.fields),
    "SELECT 1::BIGINT AS id",
  );
  const { store, random } = world.lake;
  const checkpoint = new Checkpoint(store, "bronze.events");
  for (const batchId of [7, 8]) await checkpoint.createPlan(batchPlan(batchId));
  await checkpoint.createRouted(routedBatch(7, ["data/at_day=2026-03-01/00000007-00000000000a-00000.parquet"]));
  const id = newRewriteStem(random);
  const stem = rewrittenBegin(table.io.location, "", id);
  await writeIntent(store, {
    format: 2,
    patienceMs: 24 * 3_600_000,
    kind: "compaction",
    id,
    table: "bronze.events",
    tableUuid: table.metadata.tableUuid,
    startedAt: "2026-03-01T00:00:00Z",
    stem,
    inputs: [],
    fenced: false,
  });
  RECORDS.intent = `checkpoints/intents/${id}.json`;
  RECORDS.metadata = store.localPath(table.io.location.pathOf((await world.load()).metadataLocation))!
    .slice(world.lake.folder.length + 1);
  for (const name of ["raw/events/a.json", "raw/events/a.parquet", `${stem}00000.parquet`]) await litter(world, name);
  return table;
}

/** Every file below a folder with its text, but for the table's own, which it may lose. */
function filesOutside(root: string, folder = ""): Record<string, string> {
  const files: Record<string, string> = {};
  for (const { name, isDirectory } of Deno.readDirSync(`${root}/${folder}`)) {
    const path = `${folder}${name}`;
    if (path === FOLDER || path === "checkpoints/intents" || path === "checkpoints/maintain") continue;
    if (isDirectory) Object.assign(files, filesOutside(root, `${path}/`));
    else files[path] = new TextDecoder("latin1").decode(Deno.readFileSync(`${root}/${path}`));
  }
  return files;
}

/** Looks after the lake with all that deletes. Returns what was refused, by kind of error. */
async function lookAfter(world: MaintainWorld, folder: string, random: Random): Promise<string[]> {
  const store = openLocalStore(folder, { random, durable: false });
  const catalog = new FileCatalog({ store, clock: systemClock, random });
  const surroundings: Surroundings = { store, catalog, clock: systemClock, random };
  const load = async () => {
    const table = await catalog.loadTable({ namespace: ["bronze"], name: "events" });
    if (table === undefined) throw new StreamlabError("not-found", "There is no table");
    return table;
  };
  const deeds = [
    async () => await world.compactFrom(await load(), { inputsMin: 99 }, surroundings),
    async () => await expireTable(surroundings, await load(), { olderThanMs: 0, retainLast: 1, dryRun: false }),
    async () => await removeOrphans(surroundings, await load(), { olderThanMs: 0, dryRun: false }),
    () => removeLeftovers(surroundings, { olderThanMs: 0, dryRun: false }),
    () => new Checkpoint(store, "bronze.events").forget(16n),
    () => catalog.dropTable({ namespace: ["bronze"], name: "events" }, { purge: true }),
  ];
  const refused: string[] = [];
  for (const deed of deeds) {
    try {
      await deed();
    } catch (error) {
      const isRefusal = (error instanceof StreamlabError && error.kind !== "internal") || error instanceof SqlError;
      if (!isRefusal) throw error;
      refused.push(error instanceof StreamlabError ? error.kind : "engine");
    }
  }
  return refused;
}

Deno.test("no mutated record of a lake makes upkeep lose a file outside of the table", () =>
  withSeed((random) =>
    withStranger(async (world, folder) => {
      await makeLake(world);
      const stranger = `${folder}/stranger`, lake = `${folder}/lake`;
      const hostile = hostileTexts(lake, stranger);
      const kinds = Object.keys(RECORDS) as RecordKind[];
      const counts: Record<string, number> = { lakes: 0, refusals: 0 };
      for (let run = 0; run < LAKES; run++) {
        copyTree(world.lake.folder, lake);
        for (const name of ["data/x.parquet", "metadata/v1.metadata.json"]) await litterAt(stranger, name);
        const kind = pick(random, kinds), path = `${lake}/${RECORDS[kind]}`;
        const text = mutate(Deno.readTextFileSync(path), random, hostile);
        Deno.writeTextFileSync(path, text);
        if (kind === "intent") await age(path);
        const before = [filesOutside(lake), filesOutside(stranger)];
        const refused = await lookAfter(world, lake, random);
        deepStrictEqual([filesOutside(lake), filesOutside(stranger)], before, `run ${run}: ${kind} ${text}`);
        counts.lakes!++;
        counts.refusals! += refused.length;
        counts[kind] = (counts[kind] ?? 0) + 1;
        for (const each of [lake, stranger]) Deno.removeSync(each, { recursive: true });
      }
      say(`mutated records: ${JSON.stringify(counts)}, no file outside lost`);
      deepStrictEqual((await world.lake.ask(ALL)).length, 30);
    })
  ));
