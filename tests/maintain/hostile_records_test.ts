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
import { isThorough } from "../support/thorough.ts";
import { age, ALL, FOLDER, litter, withStranger } from "./enemy.ts";
import { MaintainWorld } from "./maintain_world.ts";
import { batchPlan, routedBatch } from "./records.ts";

const LAKES = isThorough ? 1_500 : 150;

/** Kinds of records, and the file of each in the lake. */
const RECORDS = {
  plan: "checkpoints/bronze.events/000000000008.plan.json",
  routed: "checkpoints/bronze.events/000000000007.routed.json",
  metadata: "",
  hint: `${FOLDER}/metadata/version-hint.text`,
  intent: "",
};
type RecordKind = keyof typeof RECORDS;

/** What an enemy would like to see deleted, in the words of records: paths, URIs, stems, ids. */
function hostileTexts(lake: string, stranger: string): string[] {
  const places = ["", "raw/", "checkpoints/", "warehouse/lab/other/data/", "warehouse/lab/other", "../stranger/"];
  const files = ["raw/events/a.json", "warehouse/lab/other/metadata/v1.metadata.json", "raw/events/a.parquet"];
  const paths = [...places, ...files];
  return [
    ...paths,
    ...paths.map((path) => `file://${lake}/${path}`),
    ...paths.map((path) => `data/../../../../${path}`),
    `file:${stranger}/data/x.parquet`,
    `${stranger}/metadata/v1.metadata.json`,
    "bronze.events",
    "lab.other",
    "..",
    "compact-00000000-0000-4000-8000-000000000001",
    `${FOLDER}/`,
    "\0",
    "",
  ];
}

type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)]!;
}

/** Changes a few places of a JSON text, or its bytes. */
function mutate(text: string, random: Random, hostile: readonly string[]): string {
  if (random.next() < 0.1) return text.slice(0, Math.floor(random.next() * text.length));
  let json: JsonValue;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch {
    return pick(random, hostile);
  }
  const rounds = 1 + Math.floor(random.next() * 4);
  for (let round = 0; round < rounds; round++) json = change(json, random, hostile);
  return JSON.stringify(json);
}

function change(json: JsonValue, random: Random, hostile: readonly string[]): JsonValue {
  if (typeof json !== "object" || json === null || random.next() < 0.05) return otherValue(json, random, hostile);
  const keys = Object.keys(json);
  if (keys.length === 0) return otherValue(json, random, hostile);
  const key = pick(random, keys), copy = structuredClone(json) as { [key: string]: JsonValue };
  const deed = random.next();
  if (deed < 0.08) delete copy[key];
  else if (deed < 0.12) copy[`${key}x`] = copy[key]!;
  else if (deed < 0.16) copy[key] = copy[pick(random, keys)]!;
  else copy[key] = change(copy[key]!, random, hostile);
  return Array.isArray(json) ? Object.values(copy) : copy;
}

function otherValue(json: JsonValue, random: Random, hostile: readonly string[]): JsonValue {
  if (typeof json === "string" && random.next() < 0.85) return pick(random, hostile);
  return pick<JsonValue>(random, [null, true, -1, 0, 2 ** 53, 1e300, "", [], {}, [null], pick(random, hostile)]);
}

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
    format: 1,
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

function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyTree(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
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
    async () => await expireTable(surroundings, await load(), { maxAgeMs: 0, countMin: 1, dryRun: false }),
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
        for (const name of ["data/x.parquet", "metadata/v1.metadata.json"]) await litterOutside(`${stranger}/${name}`);
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

async function litterOutside(path: string): Promise<void> {
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  Deno.writeTextFileSync(path, "precious");
  await age(path);
}
