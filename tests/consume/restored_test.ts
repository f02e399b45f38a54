import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { storeWith } from "../support/store_with.ts";
import { ConsumeWorld } from "./consume_world.ts";

const event = (id: string) =>
  `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}\n`;

/** Three batches, each with an event and a dead letter. */
async function threeBatches(world: ConsumeWorld): Promise<void> {
  for (const id of ["a", "b", "c"]) {
    world.put(`${id}.ndjson`, `${event(id)}not JSON\n`);
    await world.consume();
  }
}

function copyFolder(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyFolder(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

function remove(path: string): void {
  Deno.removeSync(path, { recursive: true });
}

async function paths({ store }: ConsumeWorld, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { path } of store.list(prefix)) if (!path.endsWith("/lock")) found.push(path);
  return found.sort();
}

/** Consumes what there is, is refused, and finds everything as it was. */
async function refused(world: ConsumeWorld, message: RegExp): Promise<void> {
  const before = await paths(world);
  await rejects(() => world.consume(), { name: "StreamlabError", message });
  deepStrictEqual(await paths(world), before, "nothing was made or removed");
}

const ids = async (world: ConsumeWorld) =>
  (await world.rows("SELECT event_id AS id FROM {{bronze.events}} ORDER BY id")).map(({ id }) => id).join("");

Deno.test("a record whose data files are gone, for the tables were restored from a copy, is not committed", () =>
  ConsumeWorld.use(async (world) => {
    await threeBatches(world);
    const [warehouse, copy] = [`${world.folder}/warehouse`, `${world.folder}-copy`];
    copyFolder(warehouse, copy);
    world.put("d.ndjson", event("d"));
    await world.consume();
    remove(warehouse);
    copyFolder(copy, warehouse);
    remove(copy);
    await refused(
      world,
      /^Cannot finish batch 4 of bronze\.events: data\/.*\.parquet of bronze\.events, which its record names, is gone$/,
    );
    strictEqual(await ids(world), "abc");
    // As the hint says.
    for (const kind of ["plan", "routed"]) {
      remove(`${world.folder}/checkpoints/bronze.events/000000000004.${kind}.json`);
    }
    await world.consume();
    strictEqual(await ids(world), "abcd");
  }));

/** Stops the consumer when it is to create such a file. */
function stoppedBefore(world: ConsumeWorld, file: RegExp): Partial<ConsumeSessionOptions> {
  const sink = storeWith(world.store, {
    create(path, bytes) {
      if (file.test(path)) throw new Error("stopped here");
      return world.store.create(path, bytes);
    },
  });
  return { sink, catalog: world.catalogOn(sink), zone: world.options().zone };
}

Deno.test("a half committed batch is finished only if what is left of its files is as it was written", () =>
  ConsumeWorld.use(async (world) => {
    await threeBatches(world);
    world.put("d.ndjson", `${event("d")}not JSON\n`);
    await rejects(() => world.consume(stoppedBefore(world, /dead_letters\/events\/metadata\/v/)), /stopped here/);
    const [letters] = (await paths(world, "warehouse/dead_letters/events/data/")).filter((path) =>
      path.includes("/00000004-")
    );
    const local = `${world.folder}/${letters}`;
    const bytes = Deno.readFileSync(local);
    Deno.truncateSync(local, 100);
    await refused(
      world,
      /of dead_letters\.events, which its record names, has 100 bytes, and its metadata says [\d,]+$/,
    );
    Deno.writeFileSync(local, bytes);
    // The events of the batch are in their table: their file may have been rewritten since.
    const [events] = (await paths(world, "warehouse/bronze/events/data/")).filter((path) =>
      path.includes("/00000004-")
    );
    Deno.renameSync(`${world.folder}/${events}`, `${world.folder}/elsewhere`);
    await world.consume();
    Deno.renameSync(`${world.folder}/elsewhere`, `${world.folder}/${events}`);
    strictEqual(await ids(world), "abcd");
    strictEqual((await world.rows("SELECT * FROM {{dead_letters.events}}")).length, 4);
  }));

for (const [table, folder] of [["events", "bronze"], ["events", "dead_letters"], ["files", "ingest"]] as const) {
  for (const withCheckpoints of [true, false]) {
    const name = `${folder}.${table}`;
    const beside = withCheckpoints ? "" : " and the checkpoints";
    Deno.test(`a run stops before it makes anything where ${name}${beside} are gone`, () =>
      ConsumeWorld.use(async (world) => {
        await threeBatches(world);
        remove(`${world.folder}/warehouse/${folder}`);
        if (!withCheckpoints) remove(`${world.folder}/checkpoints`);
        world.put("d.ndjson", event("d"));
        await refused(
          world,
          new RegExp(`^Cannot continue with bronze\\.events: there is no table ${name}, but .* batch 3$`),
        );
      }));
  }
}

Deno.test("a run stops before it makes anything where checkpoints speak of batches and all tables are gone", () =>
  ConsumeWorld.use(async (world) => {
    await threeBatches(world);
    remove(`${world.folder}/warehouse`);
    await refused(
      world,
      /there is no table bronze\.events, nor dead_letters\.events, nor ingest\.files, but checkpoints\//,
    );
  }));

Deno.test("a target whose tables were made and whose first batch was not planned goes on, whichever are there", () =>
  ConsumeWorld.use(async (world) => {
    await world.consume();
    remove(`${world.folder}/warehouse/dead_letters`);
    world.put("a.ndjson", event("a"));
    await world.consume();
    strictEqual(await ids(world), "a");
  }));

for (const [folder, role] of [["bronze", "events"], ["dead_letters", "events"]] as const) {
  Deno.test(`a run stops where ${folder}.events has lost its newest version`, () =>
    ConsumeWorld.use(async (world) => {
      await threeBatches(world);
      world.put("d.ndjson", "");
      const versions = (await paths(world, `warehouse/${folder}/${role}/metadata/v`)).filter((path) =>
        path.endsWith(".metadata.json")
      );
      remove(`${world.folder}/${versions.at(-1)}`);
      await refused(
        world,
        new RegExp(`${folder}\\.events ends with batch 2, and by the ledger it has rows of batch 3$`),
      );
      remove(`${world.folder}/checkpoints`);
      await refused(world, /by the ledger it has rows of batch 3$/);
    }));
}

for (
  const [what, damage, message] of [
    ["gone", remove, /its data file .*\.parquet is gone$/],
    [
      "cut",
      (path: string) => Deno.truncateSync(path, 50),
      /its data file .*\.parquet has 50 bytes, and its metadata says/,
    ],
    ["overwritten", (path: string) => {
      Deno.writeFileSync(path, Deno.readFileSync(path).fill(7));
    }, /^Cannot read ingest\.files: /],
  ] as const
) {
  Deno.test(`a data file of the ledger that is ${what} is said so, and is no bug`, () =>
    ConsumeWorld.use(async (world) => {
      await threeBatches(world);
      const [first] = await paths(world, "warehouse/ingest/files/data/");
      damage(`${world.folder}/${first}`);
      await refused(world, message);
      const error = await world.consume().catch((error: Error) => error);
      match(String(error), /^StreamlabError/);
    }));
}
