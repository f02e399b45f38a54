import { seededRandom } from "../../core/base/random.ts";
import { FileNamespaces } from "../../core/iceberg/catalog/file_namespaces.ts";
import { Checkpoint } from "../../core/lake/checkpoint.ts";
import { systemClock } from "../../core/base/clock.ts";
import type { BatchRecord } from "../../core/lake/batch_history.ts";
import { BATCHES, History, UPKEEP } from "../../core/lake/history.ts";
import { sharedRecordPath } from "../../core/lake/layout.ts";
import type { UpkeepRecord } from "../../core/lake/upkeep_history.ts";
import { newRemovalId, type Removal, writeRemoval } from "../../core/lake/removal.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { deepStrictEqual, ok } from "node:assert/strict";
import { runProgram } from "../../commands/line/program.ts";
import { commands } from "../../main.ts";
import { testWorld } from "../support/test_world.ts";

/** Patterns of paths in a lake that docs/on-disk.md names, in the order of its table. */
async function documented(): Promise<{ name: string; pattern: RegExp }[]> {
  const text = await Deno.readTextFile(new URL("../../docs/on-disk.md", import.meta.url));
  const section = /^## In a lake\n(.*?)^## /ms.exec(text)![1]!;
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => {
    const parts = name!.split(/(<\w+>\/?)/).map((part) => {
      // A file that is in no partition lies in the folder itself.
      if (part === "<partition>/") return "(?:[^/]+/)*";
      if (/^<(path|folder)>\/?$/.test(part)) return part.endsWith("/") ? ".+/" : ".+";
      return part.startsWith("<") ? `[^/]+${part.endsWith("/") ? "/" : ""}` : part.replaceAll(/[.]/g, "\\.");
    });
    return { name: name!, pattern: new RegExp(`^${parts.join("")}$`) };
  });
}

const removal: Removal = {
  format: 1,
  id: newRemovalId(seededRandom(2)),
  table: "bronze.events",
  tableUuid: "",
  writtenAt: "2026-03-01T12:00:00.000Z",
  snapshots: [],
  released: true,
  dataFiles: [],
  manifests: [],
  manifestLists: [],
  statistics: [],
  bytes: 0,
};

const at = "2026-03-01T12:00:00.000Z";
const upkeep: UpkeepRecord = {
  format: 1,
  id: "1",
  table: "bronze.events",
  by: "consume",
  action: "compact",
  startedAt: at,
  endedAt: at,
  outcome: "done",
  done: {},
  debt: {},
};
const zeros = {
  files: 0,
  bytes: 0,
  records: 0,
  events: 0,
  deadLetters: 0,
  duplicates: 0,
  changed: 0,
  vanished: 0,
  conflicts: 0,
};
const times = { plannedMs: 0, routedMs: 0, committedMs: 0 };
const batch: BatchRecord = { format: 1, table: "a.b", batchId: 1, ...times, ...zeros, steps: {}, engine: "embedded" };

async function filesBelow(folder: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${prefix}`)) {
    if (isDirectory) found.push(...await filesBelow(folder, `${prefix}${name}/`));
    else found.push(`${prefix}${name}`);
  }
  return found;
}

Deno.test("docs/on-disk.md names every file of a lake", async () => {
  const patterns = await documented();
  ok(patterns.length > 10);
  const folder = await Deno.makeTempDir({ prefix: "streamlab-on-disk-" });
  try {
    const run = async (...args: string[]) => {
      const world = testWorld({ commands, cwd: folder });
      ok(await runProgram([...args, "--source", folder], world) === 0, world.stderrText());
    };
    const world = testWorld({ commands, cwd: folder });
    await runProgram(
      ["produce", "--sink", folder, "--batches", "4", "--interval", "0s", "--dirty", "--seed", "7"],
      world,
    );
    await run("consume", "--once", "--max-files-per-batch", "2", "--partition-by", "event_type");
    await run("consume", "--once", "--after-ingest", "archive", "--after-ingest-age", "0s");
    const store = openLocalStore(folder, { random: seededRandom(1), durable: false });
    await new Checkpoint(store, "bronze.events").noteFailure(3n, "2026-03-01T12:00:00.000Z", "it cannot be routed");
    await new FileNamespaces(store).put(undefined, {
      namespace: ["shop"],
      properties: {},
      isDropped: false,
      commitId: "1",
    });
    await store.write(sharedRecordPath("bronze.events", "0", "batches"), new Uint8Array());
    await writeRemoval(store, removal);
    await store.write("raw/events/waits.json", new Uint8Array());
    const tools = { store, clock: systemClock, random: seededRandom(3) };
    await new History(UPKEEP, tools).add([upkeep]);
    await new History(BATCHES, tools).add([batch]);
    await run("maintain", "--all");
    const fixture = new URL("fixtures/format_1/lake", import.meta.url).pathname;
    const files = [...await filesBelow(folder), ...await filesBelow(fixture)];
    const met = new Set<string>();
    const unnamed = files.filter((path) => {
      const known = patterns.filter(({ pattern }) => pattern.test(path));
      known.forEach(({ name }) => met.add(name));
      // `raw/orders/` is another raw folder, of a target of the fixture.
      return known.length === 0 && !path.startsWith("raw/");
    });
    deepStrictEqual(unnamed, []);
    const passing = /scratch|clock|\.streamlab-/;
    deepStrictEqual(patterns.filter(({ name }) => !met.has(name) && !passing.test(name)), [], "all of them are met");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
