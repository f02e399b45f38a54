import { deepStrictEqual as assertEquals, ok as assert, rejects as assertRejects } from "node:assert/strict";
import { StreamlabError } from "../../../core/base/errors.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { appendFiles } from "../../../core/iceberg/action/append_files.ts";
import { setProperties } from "../../../core/iceberg/action/set_properties.ts";
import type { LoadedTable } from "../../../core/iceberg/catalog/catalog.ts";
import { commitTable } from "../../../core/iceberg/commit.ts";
import { FileCatalog } from "../../../core/iceberg/catalog/file_catalog.ts";
import { snapshotOfRef } from "../../../core/iceberg/format/table_metadata.ts";
import { openLocalStore } from "../../../core/storage/local/local_store.ts";
import { type Hook, SimulatedDisk } from "../../support/simulated_disk.ts";
import { unavailable } from "../../support/simulated_faults.ts";
import type { SimulatedStore } from "../../support/simulated_store.ts";
import { Bench, identifier, livePaths, withBench } from "../sample_table.ts";

const folder = "warehouse/bronze/events";
const decoder = new TextDecoder();
const isKind = (kind: string) => (error: unknown) => error instanceof StreamlabError && error.kind === kind;

function bench(store: SimulatedStore): Bench {
  return new Bench(store, store.clock, store.random);
}

/** Fails the first create of that version, before or after it has happened. */
function failCreate(version: number, when: "before" | "after"): Hook {
  let isDone = false;
  return (operation, phase) => {
    const isIt = operation.name === "create" && operation.path.endsWith(`/v${version}.metadata.json`);
    if (!isIt || phase !== when || isDone) return undefined;
    isDone = true;
    return { do: "fail", error: unavailable(operation) };
  };
}

Deno.test("of two writers on the same version one wins and the other builds again on what it made", async () => {
  const disk = new SimulatedDisk();
  const a = bench(disk.connect()), b = bench(disk.connect());
  const base = await a.create();
  await a.append(a.file(base, 1));
  const append = { files: [b.file(base, 2)] };
  const result = await commitTable(b.catalog, identifier, async (transaction) => {
    transaction.add(await appendFiles(transaction, append));
  }, { clock: b.clock, random: b.random, base });
  assertEquals(result.attempts, 2);
  assertEquals(result.table.metadata.snapshots.map((snapshot) => snapshot.sequenceNumber), [1n, 2n]);
  assertEquals((await livePaths(await a.load())).length, 2);
});

for (const when of ["before", "after"] as const) {
  Deno.test(`a commit whose outcome is unknown is read back, when it failed ${when} it happened`, async () => {
    const disk = new SimulatedDisk();
    const writer = bench(disk.connect());
    const table = await writer.create();
    disk.hook = failCreate(2, when);
    await writer.append(writer.file(table, 1));
    assertEquals((await writer.load()).metadata.snapshots.length, 1);
    assertEquals([...disk.files().keys()].filter((path) => path.includes("/metadata/v")), [
      `${folder}/metadata/v1.metadata.json`,
      `${folder}/metadata/v2.metadata.json`,
      `${folder}/metadata/version-hint.text`,
    ]);
  });
}

Deno.test("a create that is delivered twice looks lost and is recognised as ours", async () => {
  const disk = new SimulatedDisk();
  const writer = bench(disk.connect());
  const table = await writer.create();
  disk.hook = (operation, phase) =>
    operation.name === "create" && phase === "before" ? { do: "twice", ms: 0 } : undefined;
  // The probe of the store, too, would see its first create as lost: it was done before.
  await writer.append(writer.file(table, 1));
  assertEquals((await writer.load()).metadata.snapshots.length, 1);
});

for (const others of [5, 300]) {
  Deno.test(`a writer that slept through ${others} commits and the clean-up of its version notices and rebases`, async () => {
    const disk = new SimulatedDisk();
    const zombie = bench(disk.connect()), other = bench(disk.connect());
    const base = await zombie.create([], {
      "write.metadata.previous-versions-max": others < 100 ? "3" : "100",
      "commit.manifest.min-count-to-merge": "20",
    });
    let table: LoadedTable = base;
    for (let i = 0; i < others; i++) {
      await other.clock.sleep(1000);
      table = await other.append(other.file(base, 1));
    }
    assert(!disk.files().has(`${folder}/metadata/v2.metadata.json`), "the zombie's number is free again");
    const append = { files: [zombie.file(base, 2)] };
    const result = await commitTable(zombie.catalog, identifier, async (transaction) => {
      transaction.add(await appendFiles(transaction, append));
    }, { clock: zombie.clock, random: zombie.random, base });
    assertEquals(result.attempts, 2);
    const after = await other.load();
    assertEquals(after.metadata.snapshots.length, others + 1);
    assertEquals(snapshotOfRef(after.metadata)!.parentSnapshotId, table.metadata.currentSnapshotId);
    assertEquals((await livePaths(after)).length, others + 1);
    assert(!disk.files().has(`${folder}/metadata/v2.metadata.json`), "what it created in vain is gone");
    assertEquals(decoder.decode(disk.files().get(`${folder}/metadata/version-hint.text`)), String(others + 2));
  });
}

Deno.test("a writer that falls asleep right after its commit finds that it has won", async () => {
  const disk = new SimulatedDisk();
  const sleeper = bench(disk.connect({ process: "sleeper" })), other = bench(disk.connect());
  const base = await sleeper.create([]);
  let isAsleep = false;
  disk.hook = (operation, phase) => {
    if (operation.process !== "sleeper" || operation.name !== "create" || phase !== "after" || isAsleep) {
      return undefined;
    }
    isAsleep = true;
    return { do: "pause" };
  };
  const committed = sleeper.append(sleeper.file(base, 1));
  while (!isAsleep) await other.clock.sleep(10);
  for (let i = 0; i < 20; i++) await other.append(other.file(base, 1));
  (sleeper.store as SimulatedStore).resume();
  assertEquals((await committed).metadata.snapshots.length, 1);
  const loaded = await other.load();
  assertEquals(loaded.metadata.snapshots.length, 21);
  assertEquals(decoder.decode(disk.files().get(`${folder}/metadata/version-hint.text`)), "22");
});

Deno.test("a store that ignores the condition of create is refused", async () => {
  const disk = new SimulatedDisk({ ignoresConditions: true });
  await assertRejects(bench(disk.connect()).create(), isKind("unavailable"));
});

Deno.test("a marker is looked for in the very metadata that each try builds on", async () => {
  const disk = new SimulatedDisk();
  const a = bench(disk.connect()), b = bench(disk.connect());
  const base = await a.create([]);
  await a.commit((transaction) => transaction.add(setProperties({ batch: "7" })));
  const seen: (string | undefined)[] = [];
  const result = await commitTable(b.catalog, identifier, (transaction) => {
    seen.push(transaction.metadata.properties.batch);
    if (transaction.metadata.properties.batch === "7") return false;
    transaction.add(setProperties({ batch: "7" }));
    return true;
  }, { clock: b.clock, random: b.random, base });
  assertEquals(seen, [undefined, "7"]);
  assertEquals(result.committed, false);
});

Deno.test("retries end by number or by time, with a conflict, or as unavailable where that is asked for", async () => {
  const disk = new SimulatedDisk();
  const a = bench(disk.connect()), b = bench(disk.connect());
  const base = await a.create([]);
  let writes = 0;
  const lose = async (options: { attemptsMax?: number; deadlineMs?: number; lostAs?: "unavailable" }) => {
    let tries = 0;
    const commit = commitTable(b.catalog, identifier, async (transaction) => {
      tries++;
      await a.commit((other) => other.add(setProperties({ tries: `${++writes}` })));
      transaction.add(setProperties({ mine: "1" }));
    }, { clock: b.clock, random: b.random, base, ...options });
    await assertRejects(commit, isKind(options.lostAs ?? "conflict"));
    return tries;
  };
  assertEquals(await lose({ attemptsMax: 3 }), 3);
  assertEquals(await lose({ attemptsMax: 2, lostAs: "unavailable" }), 2);
  assertEquals(await lose({ deadlineMs: 0 }), 1);
});

Deno.test("a lake that was moved is read and written where it is, under the location that was recorded", () =>
  withBench(async (old, root) => {
    const table = await old.create([]);
    await old.append(old.file(table, 0));
    await Deno.mkdir(`${root}/elsewhere`);
    await Deno.rename(`${root}/warehouse`, `${root}/elsewhere/warehouse`);
    const moved = new Bench(openLocalStore(`${root}/elsewhere`, { random: seededRandom(5), durable: false }));
    const found = await moved.load();
    assertEquals(found.metadata.location, table.metadata.location);
    const after = await moved.append(moved.file(found, 0));
    assertEquals((await livePaths(after)).length, 2);
    assert(
      snapshotOfRef(after.metadata)!.manifestList!.startsWith(`${table.metadata.location}/metadata/manifests/snap-`),
    );
    const path = after.io.location.pathOf(`${table.metadata.location}/data/x.parquet`);
    assertEquals(moved.store.localPath(path), `${root}/elsewhere/${folder}/data/x.parquet`);
    assertEquals(after.io.location.pathOf(`file:${root}/elsewhere/${folder}/data/x.parquet`), path);
    await assertRejects(async () => await after.io.location.pathOf("s3://other/x"), isKind("unavailable"));
  }));

Deno.test("tables are listed by namespace, and a dropped one is gone", () =>
  withBench(async (bench) => {
    const table = await bench.create([]);
    await bench.store.write(`${folder}/data/0.parquet`, new Uint8Array(1));
    await bench.store.write("warehouse/stray/file", new Uint8Array(1));
    assertEquals(await bench.catalog.listNamespaces(), [["bronze"]]);
    assertEquals(await bench.catalog.listTables(["bronze"]), [identifier]);
    assertEquals(await bench.catalog.listTables(["silver"]), []);
    await bench.catalog.dropTable(identifier, { purge: true });
    assertEquals(await bench.catalog.loadTable(identifier), undefined);
    const again = await bench.create([]);
    assert(again.metadata.tableUuid !== table.metadata.tableUuid);
    const { store, clock, random } = bench;
    const unnamed = new FileCatalog({ store, clock, random }).loadTable({ namespace: [".."], name: "x" });
    await assertRejects(unnamed, isKind("usage"));
  }));

Deno.test("each version logs the one before it, the oldest entries are dropped, and their files only where that is asked for", async () => {
  for (const isCleaned of [true, false]) {
    const disk = new SimulatedDisk();
    const writer = bench(disk.connect());
    await writer.create([], {
      "write.metadata.previous-versions-max": "2",
      "write.metadata.delete-after-commit.enabled": String(isCleaned),
    });
    for (let i = 0; i < 4; i++) {
      await writer.clock.sleep(1000);
      await writer.commit((transaction) => transaction.add(setProperties({ step: String(i) })));
    }
    const { metadata } = await writer.load();
    const log = metadata.metadataLog;
    assertEquals(log.map((entry) => entry.metadataFile.split("/").at(-1)), ["v3.metadata.json", "v4.metadata.json"]);
    assert(log[0]!.timestampMs < log[1]!.timestampMs && log[1]!.timestampMs < metadata.lastUpdatedMs);
    const there = [1, 2, 3, 4, 5].filter((version) => disk.files().has(`${folder}/metadata/v${version}.metadata.json`));
    assertEquals(there, isCleaned ? [3, 4, 5] : [1, 2, 3, 4, 5]);
  }
});

Deno.test("the clock of a machine that is behind does not turn the table's time back", async () => {
  const disk = new SimulatedDisk();
  const ahead = bench(disk.connect({ clockSkewMs: 60_000 })), behind = bench(disk.connect());
  const table = await ahead.create([]);
  const first = await ahead.append(ahead.file(table, 0));
  const second = await behind.append(behind.file(table, 0));
  assert(second.metadata.lastUpdatedMs >= first.metadata.lastUpdatedMs);
  const times = second.metadata.snapshotLog.map((entry) => entry.timestampMs);
  assertEquals(times, times.toSorted());
});

Deno.test("loading a table that has not changed is one listing, whoever committed its version", async () => {
  const disk = new SimulatedDisk();
  const writer = bench(disk.connect({ process: "writer" })), reader = bench(disk.connect({ process: "reader" }));
  const base = await writer.create();
  const appended = await writer.append(writer.file(base, 1));
  const read = (await reader.catalog.loadTable(identifier))!;
  for (const [at, known] of [[writer, appended], [reader, read]] as const) {
    const before = disk.log.length;
    const again = (await at.catalog.loadTable(identifier, known))!;
    assertEquals(disk.log.slice(before).map(({ name }) => name), ["list"]);
    assert(again.metadata === known.metadata);
  }
  await writer.append(writer.file(base, 2));
  assertEquals((await reader.catalog.loadTable(identifier, read))!.metadata.snapshots.length, 2);
});

Deno.test("a catalog that keeps tables reads no file of one that has not changed, and what is newer of one that has", async () => {
  const disk = new SimulatedDisk();
  const writer = bench(disk.connect({ process: "writer" })), store = disk.connect({ process: "reader" });
  const base = await writer.create();
  const reader = new FileCatalog({ store, clock: store.clock, random: store.random, tablesKept: 1 });
  const look = async (name = identifier.name) => {
    const before = disk.log.length;
    const table = await reader.loadTable({ ...identifier, name });
    return { table, asked: disk.log.slice(before).map(({ name }) => name) };
  };
  assertEquals((await look()).asked, ["list", "read"]);
  assertEquals((await look()).asked, ["list"]);
  await writer.append(writer.file(base, 1));
  const newer = await look();
  assertEquals([newer.asked, newer.table?.metadata.snapshots.length], [["list", "read"], 1]);
  // Another table takes its place.
  await store.write(
    `warehouse/bronze/other/metadata/v1.metadata.json`,
    await store.read(`${folder}/metadata/v1.metadata.json`),
  );
  assertEquals((await look("other")).asked, ["list", "read"]);
  assertEquals((await look()).asked, ["list", "read"]);
  await writer.catalog.dropTable(identifier);
  assertEquals((await look()).table, undefined);
});

Deno.test("what a commit asks of a disk does not grow with the manifests that lie there", () =>
  withBench(async (bench) => {
    const table = await bench.create();
    for (let day = 0; day < 5; day++) await bench.append(bench.file(table, day));
    const beside: string[] = [];
    for await (const { name } of Deno.readDir(`${bench.store.root}/${folder}/metadata`)) beside.push(name);
    assertEquals(beside.filter((name) => !name.endsWith(".metadata.json")).sort(), ["manifests", "version-hint.text"]);
    assertEquals((await livePaths(await bench.load())).length, 5);
  }));
