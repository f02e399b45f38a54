import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { isKind } from "../../core/base/errors.ts";
import type { ConsumeSessionOptions } from "../../core/consume/consume_session.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { storeWith } from "../support/store_with.ts";

const event = (id: string) =>
  `{"user_id":"u","event_id":"${id}","event_type":"t","event_timestamp":"2026-03-01T12:00:00Z"}`;
const array = (...ids: string[]) => `[${ids.map(event).join(",")}]`;

async function ids(world: ConsumeWorld): Promise<string[]> {
  const rows = await world.rows("SELECT event_id AS id FROM {{bronze.events}} ORDER BY ALL");
  return rows.map(({ id }) => id as string);
}

/** `batch file records status` of the ledger. */
async function ledger(world: ConsumeWorld): Promise<string[]> {
  const rows = await world.rows(
    "SELECT batch_id, source_file, records, status FROM {{ingest.files}} ORDER BY ALL",
  );
  return rows.map((row) => Object.values(row).join(" ").replace("raw/events/", ""));
}

/** A sink that calls `action` once, when the first plan stands. */
function afterPlan(world: ConsumeWorld, action: () => void): Partial<ConsumeSessionOptions> {
  let done = false;
  const sink = storeWith(world.store, {
    async create(path, bytes) {
      const created = await world.store.create(path, bytes);
      if (path.endsWith(".plan.json") && !done) {
        done = true;
        action();
      }
      return created;
    },
  });
  return { sink, zone: world.options().zone };
}

Deno.test("a file that is gone when it is to be read is recorded, and taken when it comes back", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", array("a"));
    world.put("b.json", array("b"));
    world.put("c.json.gz", gzipSync(array("c")));
    await world.consume(afterPlan(world, () => {
      Deno.removeSync(world.rawPath("b.json"));
      Deno.removeSync(world.rawPath("c.json.gz"));
    }));
    deepStrictEqual(await ids(world), ["a"]);
    deepStrictEqual(await ledger(world), ["1 a.json 1 ingested", "1 b.json 0 vanished", "1 c.json.gz 0 vanished"]);
    deepStrictEqual([world.batches[0]!.files, world.batches[0]!.vanished], [1, 2]);
    match(world.remarks.join("\n"), /b\.json vanished: /);
    world.put("b.json", array("b2"));
    await world.consume();
    deepStrictEqual(await ids(world), ["a", "b2"]);
    deepStrictEqual((await ledger(world)).slice(-1), ["2 b.json 1 ingested"]);
  }));

Deno.test("a file that is rewritten between plan and read is recorded, and its new content taken next", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", array("a"));
    world.put("b.json", array("b"));
    await world.consume(afterPlan(world, () => world.put("b.json", array("new", "newer"))));
    deepStrictEqual(await ids(world), ["a"]);
    await world.consume();
    deepStrictEqual(await ids(world), ["a", "new", "newer"]);
    deepStrictEqual(await ledger(world), ["1 a.json 1 ingested", "1 b.json 0 changed", "2 b.json 2 ingested"]);
  }));

Deno.test("of a file that is rewritten or removed while it is read nothing stays but its record", () =>
  ConsumeWorld.use(async (world) => {
    for (const name of ["a", "b", "c", "d"]) world.put(`${name}.json`, array(name, `${name}2`));
    world.put("e.json.gz", gzipSync(array("e")));
    world.put("f.json.gz", gzipSync(array("f")).subarray(0, 30));
    const asked = new Map<string, number>();
    const store = storeWith(world.store, {
      stat(path) {
        const times = (asked.get(path) ?? 0) + 1;
        asked.set(path, times);
        // Once for the listing, once before it is read; now it has been read.
        if (times === 3 && path.endsWith("b.json")) world.put("b.json", array("new"));
        if (times === 3 && path.endsWith("c.json")) Deno.removeSync(world.rawPath("c.json"));
        if (times === 3 && path.endsWith("e.json.gz")) world.put("e.json.gz", gzipSync(array("new e")));
        if (times === 3 && path.endsWith("f.json.gz")) world.put("f.json.gz", gzipSync(array("new f")));
        return world.store.stat(path);
      },
    });
    const { zone } = world.options();
    await world.consume({ zone: { ...zone, store } });
    deepStrictEqual(await ids(world), ["a", "a2", "d", "d2"]);
    await world.consume();
    deepStrictEqual(await ids(world), ["a", "a2", "d", "d2", "new", "new e", "new f"]);
    deepStrictEqual(await ledger(world), [
      "1 a.json 2 ingested",
      "1 b.json 0 changed",
      "1 c.json 0 vanished",
      "1 d.json 2 ingested",
      "1 e.json.gz 0 changed",
      "1 f.json.gz 0 changed",
      "2 b.json 1 ingested",
      "2 e.json.gz 1 ingested",
      "2 f.json.gz 1 ingested",
    ]);
  }));

Deno.test("a file that goes in the very moment before it is opened is recorded like any other that is gone", () =>
  ConsumeWorld.use(async (world) => {
    const going: Record<string, string | Uint8Array> = {
      "b.json": array("b"),
      "c.ndjson": event("c"),
      "d.json.gz": gzipSync(array("d")),
      "e.ndjson.zst": zstdCompressSync(event("e")),
      // Too large to be unpacked in memory.
      "f.json.gz": gzipSync(array("f", "x".repeat(5_000_000))),
    };
    for (const [name, content] of Object.entries(going)) {
      const asked = new Map<string, number>();
      const store = storeWith(world.store, {
        async stat(path) {
          const info = await world.store.stat(path);
          const times = (asked.get(path) ?? 0) + 1;
          asked.set(path, times);
          // Once for the listing, once before it is read.
          if (times === 2 && path.endsWith(name)) Deno.removeSync(world.rawPath(name));
          return info;
        },
      });
      world.put(name, content);
      world.put(`beside-${name}.json`, array(`beside ${name}`));
      await world.consume({ zone: { ...world.options().zone, store } });
    }
    deepStrictEqual(await ids(world), Object.keys(going).map((name) => `beside ${name}`));
    const vanished = (await ledger(world)).filter((line) => line.endsWith("vanished"));
    deepStrictEqual(vanished, Object.keys(going).map((name, index) => `${index + 1} ${name} 0 vanished`));
  }));

Deno.test("new content under a known name is reported and kept out, once for each state, by default", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", array("a"));
    await world.consume();
    world.put("a.json", array("other", "another"));
    await world.consume();
    await world.consume();
    deepStrictEqual(await ids(world), ["a"]);
    deepStrictEqual(await ledger(world), ["1 a.json 1 ingested", "2 a.json 0 changed"]);
    deepStrictEqual(world.remarks.length, 1);
    match(world.remarks[0]!, /^raw\/events\/a\.json changed: /);
    world.put("a.json", array("a third"));
    world.put("b.json", array("b"));
    await world.consume();
    deepStrictEqual(await ids(world), ["a", "b"]);
    deepStrictEqual((await ledger(world)).slice(2), ["3 a.json 0 changed", "3 b.json 1 ingested"]);
  }));

Deno.test("new content under a known name is ingested when that is asked for, once", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", array("a"));
    await world.consume({ onChangedFile: "ingest" });
    world.put("a.json", array("other", "another"));
    await world.consume({ onChangedFile: "ingest" });
    await world.consume({ onChangedFile: "ingest" });
    deepStrictEqual(await ids(world), ["a", "another", "other"]);
    deepStrictEqual(await ledger(world), ["1 a.json 1 ingested", "2 a.json 2 ingested"]);
    const [row] = await world.rows("SELECT count(DISTINCT etag)::INT AS n FROM {{ingest.files}}");
    strictEqual(row!.n, 2);
    // What was reported before may still be taken.
    world.put("a.json", array("fourth"));
    await world.consume();
    await world.consume({ onChangedFile: "ingest" });
    deepStrictEqual((await ledger(world)).slice(2), ["3 a.json 0 changed", "4 a.json 1 ingested"]);
  }));

Deno.test("new content under a known name stops the run when that is asked for, before anything is taken", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", array("a"));
    await world.consume({ onChangedFile: "fail" });
    world.put("a.json", array("other", "another"));
    world.put("b.json", array("b"));
    await rejects(
      () => world.consume({ onChangedFile: "fail" }),
      (error) => isKind(error, "conflict") && /raw\/events\/a\.json/.test(error.message),
    );
    deepStrictEqual(await ids(world), ["a"]);
    deepStrictEqual(await ledger(world), ["1 a.json 1 ingested"]);
  }));

Deno.test("a file that grows after it was looked at, its start an array still, is left for the next batch", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", array("a"));
    world.put("b.json", array("b"));
    const { zone } = world.options();
    let looks = 0;
    const store = storeWith(world.store, {
      stat: async (path) => {
        const info = await world.store.stat(path);
        // The first look finds it; after the second one it is read.
        if (path.endsWith("/a.json") && ++looks === 2) world.put("a.json", array("a") + array("b", "c"));
        return info;
      },
    });
    await world.consume({ zone: { ...zone, store }, maxFilesPerBatch: 2 });
    deepStrictEqual(await ids(world), ["b"]);
    const [first] = world.batches;
    deepStrictEqual([first!.files, first!.changed], [1, 1]);
  }));

Deno.test("a batch takes no more files and bytes than it may, but one file at least, in the order of names", () =>
  ConsumeWorld.use(async (world) => {
    for (const name of ["e", "d", "c", "b", "a"]) world.put(`${name}.json`, array(name));
    await world.consume({ maxFilesPerBatch: 2 });
    deepStrictEqual(await ledger(world), [
      "1 a.json 1 ingested",
      "1 b.json 1 ingested",
      "2 c.json 1 ingested",
      "2 d.json 1 ingested",
      "3 e.json 1 ingested",
    ]);
    world.put("f.json", array("f"));
    world.put("g.json", array("g", "g2"));
    world.put("h.json", array("h"));
    world.put("i.json", array("i"));
    await world.consume({ maxBytesPerBatch: 2 * array("f").length });
    deepStrictEqual((await ledger(world)).slice(5), [
      "4 f.json 1 ingested",
      "5 g.json 2 ingested",
      "6 h.json 1 ingested",
      "6 i.json 1 ingested",
    ]);
    world.put("j.json", array("j"));
    world.put("k.json", array("k"));
    await world.consume({ maxBytesPerBatch: 1 });
    strictEqual(world.batches.at(-1)!.batchId, 8);
  }));

Deno.test("a run stops after the batch that brings too many dead letters, and goes on the next time", () =>
  ConsumeWorld.use(async (world) => {
    for (const name of ["a", "b", "c"]) world.put(`${name}.json`, `[${event(name)},1,2]`);
    await rejects(
      () => world.consume({ maxFilesPerBatch: 1, maxDeadLetters: { kind: "count", count: 3 } }),
      (error) => isKind(error, "limit"),
    );
    for (const table of ["bronze/events", "dead_letters/events", "ingest/files"]) {
      // Made, and committed to twice: what other engines read is no older, although the run broke
      // off.
      const hint = `${world.folder}/warehouse/${table}/metadata/version-hint.text`;
      strictEqual(Deno.readTextFileSync(hint), "3", table);
    }
    deepStrictEqual(await ledger(world), ["1 a.json 3 ingested", "2 b.json 3 ingested"]);
    await world.consume({ maxDeadLetters: { kind: "count", count: 2 } });
    deepStrictEqual(await ids(world), ["a", "b", "c"]);
  }));
