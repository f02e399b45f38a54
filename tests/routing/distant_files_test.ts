import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { SqlRow } from "../../core/engine/duckdb.ts";
import type { Store } from "../../core/storage/store.ts";
import { storeWith } from "../support/store_with.ts";
import { ConsumeWorld } from "../consume/consume_world.ts";

const at = '"event_timestamp":"2026-03-01T12:00:00Z"';
const event = (id: string, more = "") => `{"user_id":"u","event_id":"${id}","event_type":"t",${at}${more}}`;
const array = (...records: string[]) => `[${records.join(",")}]`;

/**
 * Layouts whose records must be cut out of their file exactly, beside others that are not read by
 * SQL at all.
 */
const texts: Record<string, string> = {
  "a.json": array(event("a1"), event("a2")),
  "bom.json": `\ufeff ${array(event("b1"))}\r\n\t `,
  "brackets.json": array(event("]["), event("[x]"), '{"user_id":"]"}', "[[1],[]]", "[]", "7", '"]"', "null"),
  "broken.json": `${array(event("c1"))}]`,
  "cut.json": array(event("d1"), event("d2")).slice(0, -9),
  "deep.json": array(event("e1", ',"properties":{"a":"[","b":"]"}')),
  "double.json": array('{"user_id":"u","user_id":"v"}', event("f1")),
  "empty.json": "",
  "extra.json": array(event("g1", ',"more":[1,[2]]')),
  "large.json": array(...Array.from({ length: 2_000 }, (_, index) => event(`h${index}`))),
  "lines.ndjson": `${event("i1")}\n${event("i2")}\nno\n`,
  "lines-blank.ndjson": `\n \t\r\n${event("m1")}\r\n\n  ${event("m2")} \n\n7\n"\\n"\n[1,\t2]\n${
    event("m3", ',"more":[1,[2]]')
  }`,
  "lines-bom.ndjson": `\ufeff${event("n1")}\n${event("n2")}`,
  // In an array each of these would be two records, or lines would become one.
  "lines-joined.ndjson": `${event("o1")},${event("o2")}\n${event("o3")}\n`,
  "lines-split.ndjson": "[1\n2]\n1],[2\n",
  "lines-lax.ndjson": `${event("p1")}\n{"user_id":NaN}\n[1,]\n\u000b${event("p2")}\n`,
  "lines-none.ndjson": " \n\n",
  "nothing.json": "[ ]",
  "pretty.json": JSON.stringify(JSON.parse(array(event("j1"), event("j2"), '{"user_id":3}')), null, 4),
  "space.json": ` [ ${event("k1")} , ${event("k2")} ] `,
  "unicode.json": array(event("l1", ',"product_id":"\u{1f600}\\ud83d\\ude00 \u2028"')),
};

const encode = (text: string) => new TextEncoder().encode(text);

/** As if it lay elsewhere: what is read must be fetched. */
const distant = (store: Store): Store => storeWith(store, { localPath: () => undefined });

/** All that the tables hold, but for the moment of ingestion. */
async function content(world: ConsumeWorld): Promise<Record<string, SqlRow[]>> {
  const rows: Record<string, SqlRow[]> = {};
  for (const table of ["bronze.events", "dead_letters.events"]) {
    rows[table] = await world.rows(
      `SELECT * EXCLUDE (_ingested_at) FROM {{${table}}} ORDER BY _source_file, _source_position`,
    );
  }
  rows["ingest.files"] = await world.rows(
    "SELECT * EXCLUDE (ingested_at, batch_id) FROM {{ingest.files}} ORDER BY source_file",
  );
  return rows;
}

async function consumedBothWays(files: Record<string, string | Uint8Array>): Promise<[near: unknown, far: unknown]> {
  const contents: unknown[] = [];
  for (const far of [false, true]) {
    await ConsumeWorld.use(async (world) => {
      for (const [name, text] of Object.entries(files)) {
        world.put(name, text);
        // Of two runs the content must not tell which came first.
        Deno.utimeSync(world.rawPath(name), 1_700_000_000, 1_700_000_000);
      }
      const { zone } = world.options();
      await world.consume(far ? { zone: { ...zone, store: distant(world.store) } } : {});
      contents.push(await content(world));
    });
  }
  return contents as [unknown, unknown];
}

/** As text, without what the ledger has of the packed file. */
function withoutPacking(rows: unknown): string {
  const text = JSON.stringify(rows, (key, value: unknown) => {
    return key === "etag" || key === "size" ? undefined : typeof value === "bigint" ? String(value) : value;
  }, 1);
  return text.replaceAll(/\.(gz|zst)\b/g, "");
}

Deno.test("files that are fetched become the same rows, at the same positions, as files that are here", async () => {
  const [near, far] = await consumedBothWays({
    ...texts,
    "packed.json.gz": gzipSync(encode(texts["brackets.json"]!)),
    "torn.json.gz": gzipSync(encode(texts["a.json"]!)).subarray(0, 40),
  });
  deepStrictEqual(far, near);
});

Deno.test("small compressed files become the same rows as what is in them, here and fetched, however they were packed", async () => {
  const contents: string[] = [];
  const packings: Record<string, (bytes: Uint8Array) => Uint8Array> = {
    "": (bytes) => bytes,
    ".gz": (bytes) => gzipSync(bytes),
    ".zst": (bytes) => zstdCompressSync(bytes),
    // Two members or frames in a row are one file.
    "2.gz": (bytes) => new Uint8Array([...gzipSync(bytes.subarray(0, 9)), ...gzipSync(bytes.subarray(9))]),
    "2.zst": (bytes) =>
      new Uint8Array([...zstdCompressSync(bytes.subarray(0, 9)), ...zstdCompressSync(bytes.subarray(9))]),
  };
  for (const [ending, pack] of Object.entries(packings)) {
    const files = Object.entries(texts).filter(([name]) => name !== "empty.json").map(([name, text]) =>
      [name + ending.replace("2", ""), pack(encode(text))] as const
    );
    for (const each of await consumedBothWays(Object.fromEntries(files))) contents.push(withoutPacking(each));
  }
  for (const [index, rows] of contents.entries()) strictEqual(rows, contents[0], String(index));
});

Deno.test("a fetched file that DuckDB cannot read, though it is JSON, takes nothing from those beside it", async () => {
  const half = array(event("x1"), '{"user_id":"\\ud800"}', event("x2"));
  const lines = `${event("y1")}\n{"user_id":"\\ud800"}\n${event("y2")}`;
  const [near, far] = await consumedBothWays({ ...texts, "half.json": half, "half.ndjson": lines });
  deepStrictEqual(far, near);
});

Deno.test("a file that is rewritten while it is fetched stops the run where that is asked for; the next one takes its new content", () =>
  ConsumeWorld.use(async (world) => {
    for (const name of ["a", "b"]) world.put(`${name}.json`, array(event(name)));
    const { zone } = world.options();
    let rewritten = false;
    const store = storeWith(distant(world.store), {
      read: (path, options) => {
        if (!rewritten) world.put("a.json", array(event("new"), event("newer")));
        rewritten = true;
        return world.store.read(path, options);
      },
    });
    const options = { zone: { ...zone, store }, onChangedFile: "fail" as const };
    await rejects(
      () => world.consume(options),
      /^StreamlabError: Cannot continue: raw\/events\/a\.json was rewritten while it was read$/,
    );
    const ids = async () =>
      (await world.rows("SELECT event_id FROM {{bronze.events}} ORDER BY 1")).map((row) => row.event_id);
    deepStrictEqual(await ids(), ["b"]);
    await world.consume(options);
    deepStrictEqual(await ids(), ["b", "new", "newer"]);
  }));

Deno.test("nothing of what was fetched stays on the disk, and many small files are few there", () =>
  ConsumeWorld.use(async (world) => {
    for (let i = 0; i < 100; i++) world.put(`${i}.json`, array(event(String(i))));
    const { zone } = world.options();
    const scratch = `${world.folder}/checkpoints/bronze.events/scratch`;
    let seen = 0;
    const store = storeWith(distant(world.store), {
      read: async (path, options) => {
        const bytes = await world.store.read(path, options);
        seen = Math.max(seen, countFiles(scratch));
        return bytes;
      },
    });
    await world.consume({ zone: { ...zone, store }, maxFilesPerBatch: 40 });
    deepStrictEqual(world.batches.map(({ files }) => files), [40, 40, 20]);
    ok(seen > 0 && seen < 15, `${seen} files in scratch`);
    strictEqual(countFiles(scratch), 0);
  }));

function countFiles(folder: string): number {
  let count = 0;
  try {
    for (const entry of Deno.readDirSync(folder)) {
      count += entry.isDirectory ? countFiles(`${folder}/${entry.name}`) : 1;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return count;
}
