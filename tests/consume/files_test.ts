import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { StreamlabError } from "../../core/base/errors.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import { runProgram } from "../../commands/line/program.ts";
import { commands } from "../../main.ts";
import { testWorld } from "../support/test_world.ts";
import { targetRecordOf } from "../../core/lake/target_record.ts";
import { ConsumeWorld } from "./consume_world.ts";
import { storeWith } from "../support/store_with.ts";

const at = '"event_timestamp":"2026-03-01T12:00:00Z"';
const event = (id: string | number) => `{"user_id":"u","event_id":"${id}","event_type":"t",${at}}`;
const two = `[${event(1)},${event(2)}]`;

/**
 * By file: `records events dead_letters status` of the ledger, and the reasons of its dead letters.
 */
async function ledger(world: ConsumeWorld): Promise<Record<string, string>> {
  const rows = await world.rows(`SELECT f.source_file AS file, records, events, dead_letters, status,
      (SELECT array_to_string(list_sort(list(DISTINCT _dead_letter_reason)), '+') FROM {{dead_letters.events}} d
        WHERE d._source_file = f.source_file) AS reasons
    FROM {{ingest.files}} f ORDER BY ALL`);
  return Object.fromEntries(rows.map((row) => {
    const { file, records, events, dead_letters, status, reasons } = row;
    return [
      (file as string).replace("raw/events/", ""),
      [records, events, dead_letters, status, reasons ?? ""].join(" ").trim(),
    ];
  }));
}

/** What a file of this text becomes, under any compression. */
const texts: Record<string, [text: string, becomes: string]> = {
  "bom.json": [`\ufeff${two}`, "2 2 0 ingested"],
  "bom.ndjson": [`\ufeff${event(1)}\n`, "1 1 0 ingested"],
  "crlf.json": [`[\r\n${event(1)},\r\n${event(2)}\r\n]\r\n`, "2 2 0 ingested"],
  "crlf.ndjson": [`${event(1)}\r\n${event(2)}\r\n`, "2 2 0 ingested"],
  "pretty.json": [JSON.stringify(JSON.parse(two), null, 4), "2 2 0 ingested"],
  "nan.json": [`[${event(1)},{"user_id":NaN}]`, "0 0 1 ingested corrupted_batch"],
  "nan.ndjson": [`${event(1)}\n{"user_id":NaN}\n`, "2 1 1 ingested corrupted_record"],
  "comma.json": [`[${event(1)},]`, "0 0 1 ingested corrupted_batch"],
  "inner-comma.json": [`[${event(1)},{"a":1,}]`, "0 0 1 ingested corrupted_batch"],
  "inner-comma.ndjson": [`${event(1)}\n{"a":1,}\n`, "2 1 1 ingested corrupted_record"],
  "object.json": [event(1), "1 1 0 ingested"],
  "scalar.json": ["5", "0 0 1 ingested corrupted_batch"],
  "lines.json": [`${event(1)}\n${event(2)}\n`, "2 2 0 ingested"],
  "broken-line.json": [`${event(1)}\n{"a":1,}\n${event(2)}\n`, "3 2 1 ingested corrupted_record"],
  "concatenated.json": [event(1) + event(2), "2 2 0 ingested"],
  "indented.json": [JSON.stringify(JSON.parse(event(1)), null, 2).repeat(3), "3 3 0 ingested"],
  "broken-rest.json": [`${event(1)}${event(2)}{"a":1,}${event(3)}`, "3 2 1 ingested corrupted_record"],
  "array.ndjson": [two, "1 0 1 ingested invalid_schema"],
  "cut.ndjson": [`${event(1)}\n${event(2).slice(0, -5)}`, "2 1 1 ingested corrupted_record"],
  "no-end.jsonl": [`${event(1)}\n${event(2)}`, "2 2 0 ingested"],
  "cut.json": [two.slice(0, -10), "0 0 1 ingested corrupted_batch"],
  "tail.json": [`${two}x`, "0 0 1 ingested corrupted_batch"],
  "empty-array.json": [" [ ] ", "0 0 1 ingested corrupted_batch"],
  "empty.json": ["", "0 0 1 ingested corrupted_batch"],
  "empty.ndjson": ["", "0 0 1 ingested corrupted_batch"],
  "blank.ndjson": ["\n \r\n\n", "0 0 1 ingested corrupted_batch"],
  "nul.json": ["\0".repeat(4096), "0 0 1 ingested corrupted_batch"],
};

Deno.test("each layout and each break becomes what it must, packed or not", () =>
  ConsumeWorld.use(async (world) => {
    const expected: Record<string, string> = {};
    for (const [name, [text, becomes]] of Object.entries(texts)) {
      const bytes = new TextEncoder().encode(text);
      for (
        const [packed, content] of [["", bytes], [".gz", gzipSync(bytes)], [".zst", zstdCompressSync(bytes)]] as const
      ) {
        world.put(name + packed, content);
        expected[name + packed] = becomes;
      }
    }
    world.put("raw.json.gz", two);
    world.put("half.json.zst", zstdCompressSync(new TextEncoder().encode(two)).subarray(0, 30));
    world.put("no.parquet", "PAR1 no PAR1");
    expected["raw.json.gz"] = "2 2 0 ingested";
    for (const name of ["half.json.zst", "no.parquet"]) {
      expected[name] = "0 0 1 ingested corrupted_batch";
    }
    await world.consume();
    deepStrictEqual(await ledger(world), expected);
    await world.consume();
    deepStrictEqual(await ledger(world), expected, "the second time there is nothing to do");
    const letters = await world.rows(
      "SELECT _raw_record AS raw, _dead_letter_detail AS detail FROM {{dead_letters.events}} WHERE _source_file LIKE '%/cut.json%'",
    );
    deepStrictEqual(letters.map(({ raw }) => raw), Array(3).fill(two.slice(0, -10)));
  }));

Deno.test("what is only empty is ingested with no records where that is asked for, and remembered", () =>
  ConsumeWorld.use(async (world) => {
    world.put("a.json", "");
    world.put("b.json", " [ ] ");
    world.put("c.ndjson", "\n");
    world.put("d.ndjson.gz", gzipSync(""));
    world.put("e.json.gz", "");
    world.put("f.json", "[");
    world.put("g.json", two);
    const { zone } = world.options();
    await world.consume({ zone: { ...zone, onEmpty: "ignore" } });
    deepStrictEqual(Object.values(await ledger(world)), [
      ...Array(5).fill("0 0 0 ingested"),
      "0 0 1 ingested corrupted_batch",
      "2 2 0 ingested",
    ]);
    deepStrictEqual(world.batches.map(({ files, empty }) => [files, empty]), [[7, 5]]);
    const table = await world.catalog.loadTable({ namespace: ["bronze"], name: "events" });
    strictEqual(targetRecordOf(table!.metadata.properties, "bronze.events")!.options.onEmpty, "ignore");
  }));

Deno.test("only files with an event file's name, in folders that are there, are taken", () =>
  ConsumeWorld.use(async (world) => {
    const ignored = [
      ...[".a.json", "_a.json", ".hidden/a.json", "_temporary/0/a.json", "x/_y/a.json", "x/.y/a.json"],
      ...["a.txt", "a.json.bak", "a.json.tmp", "json", "a.parquet.gz", "a.csv", "a.json.gz.part"],
    ];
    for (const name of ignored) world.put(name, two);
    Deno.mkdirSync(world.rawPath("folder.json"), { recursive: true });
    world.put("folder.json/inside.ndjson", event(1));
    world.put("day=2026-01-01/hour=3/x.json", two);
    world.put("UPPER.JSON", two);
    world.put("a.b.c.json", two);
    await world.consume();
    deepStrictEqual(Object.keys(await ledger(world)), [
      "UPPER.JSON",
      "a.b.c.json",
      "day=2026-01-01/hour=3/x.json",
      "folder.json/inside.ndjson",
    ]);
    const [row] = await world.rows("SELECT count(*)::INT AS n, count(product_id)::INT AS p FROM {{bronze.events}}");
    deepStrictEqual(row, { n: 7, p: 0 }, "no column comes from a folder's name");
  }));

const oddNames = [
  ...[
    "a b",
    "a'b",
    'a"b',
    "100%",
    "a%20b",
    "a#b",
    "a+b",
    "a?b",
    "a*b",
    "a[b]",
    "[ab]",
    "a{b,c}",
    "a\\b",
    "ü😀",
    "e\u0301",
  ],
  ...[
    "a;b",
    "a&b",
    "$(a)",
    "a\tb",
    "a\nb",
    "=",
    "a=b",
    "~",
    "!",
    "ab",
    "a-b",
    "**",
    "a:b",
    "|",
    "{{x}}",
    "file:",
    "s3:",
    "x".repeat(200),
  ],
];

Deno.test("names are taken as they are, whatever is in them", () =>
  ConsumeWorld.use(async (world) => {
    for (const [index, name] of oddNames.entries()) {
      world.put(`${name}/${name}.json`, `[${event(index)}]`);
      world.put(`${name}.json.gz`, gzipSync(`[${event(index)},1]`));
      world.put(`${name}.ndjson`, `${event(index)}\nx\n`);
    }
    await world.consume();
    const rows = await world.rows("SELECT _source_file AS file, event_id AS id FROM {{bronze.events}}");
    const found = rows.map(({ file, id }) => `${id} ${file}`).sort();
    const expected = oddNames.flatMap((name, index) =>
      [`${name}/${name}.json`, `${name}.json.gz`, `${name}.ndjson`].map((path) => `${index} raw/events/${path}`)
    );
    deepStrictEqual(found, expected.sort());
    await world.consume();
    strictEqual(world.batches.length, 1);
  }));

Deno.test("links to files and folders are followed, those that lead nowhere or back are not", () =>
  ConsumeWorld.use(async (world) => {
    const elsewhere = `${world.folder}/elsewhere`;
    Deno.mkdirSync(elsewhere);
    Deno.writeTextFileSync(`${elsewhere}/real.json`, two);
    world.put("own.json", two);
    Deno.symlinkSync(`${elsewhere}/real.json`, world.rawPath("linked.json"));
    Deno.symlinkSync(elsewhere, world.rawPath("linked-folder"));
    Deno.symlinkSync(`${elsewhere}/nothing.json`, world.rawPath("nowhere.json"));
    Deno.symlinkSync(`${world.folder}/raw/events`, world.rawPath("back"));
    await world.consume();
    deepStrictEqual(Object.keys(await ledger(world)), ["linked-folder/real.json", "linked.json", "own.json"]);
  }));

Deno.test("links that lead to each other are passed over and told, and the run goes on", () =>
  ConsumeWorld.use(async (world) => {
    world.put("own.json", two);
    Deno.symlinkSync("b.json", world.rawPath("a.json"));
    Deno.symlinkSync("a.json", world.rawPath("b.json"));
    Deno.symlinkSync("self", world.rawPath("deep/self"));
    const { unreadable } = await world.consume();
    deepStrictEqual(unreadable, []);
    deepStrictEqual(Object.keys(await ledger(world)), ["own.json"]);
    deepStrictEqual(
      world.remarks.toSorted(),
      ["a.json", "b.json", "deep/self"].map((name) => `raw/events/${name} was passed over: links lead to each other`),
    );
  }));

Deno.test("files and folders whose names are not UTF-8 are told, and the others taken", () =>
  ConsumeWorld.use(async (world) => {
    world.put("own.json", two);
    const script =
      `cd "$1"; d=$(printf 'd\\351'); mkdir "$d"; echo '{}' > "$d/x.json"; echo '{}' > "$(printf 'a\\377.json')"; echo > "$(printf 'b\\377.txt')"`;
    const { success } = await new Deno.Command("sh", { args: ["-c", script, "sh", `${world.folder}/raw/events`] })
      .output();
    ok(success);
    const { unreadable } = await world.consume();
    const expected = ["raw/events/a\ufffd.json", "raw/events/d\ufffd"];
    deepStrictEqual(unreadable.map(({ name }) => name).sort(), expected);
    deepStrictEqual(world.remarks.toSorted(), expected.map((name) => `${name} unreadable: its name is not UTF-8`));
    deepStrictEqual(Object.keys(await ledger(world)), ["own.json"]);
    const told = /cannot be read: raw\/events\/[ad]\ufffd\S* \(its name is not UTF-8\) and 1 more/;
    for (const action of ["--status", "--audit"]) {
      const shell = testWorld({ commands, cwd: world.folder, env: { TMPDIR: world.folder } });
      strictEqual(await runProgram(["maintain", "--source", ".", action], shell), 0, shell.stderrText());
      match(shell.stdoutText() + shell.stderrText(), told);
    }
  }));

Deno.test("the lake's own files are no event files, wherever the raw zone lies", () =>
  ConsumeWorld.use(async (world) => {
    world.put("1.json", two);
    const above = openLocalStore(`${world.folder}/raw`, { random: world.random, durable: false });
    const lake = openLocalStore(`${world.folder}/raw/lake`, { random: world.random, durable: false });
    Deno.symlinkSync(`${world.folder}/raw/lake`, world.rawPath("linked"));
    const zone = { store: above, prefix: "", nameBase: `file://${world.folder}/raw/`, format: undefined };
    for (const _run of [1, 2, 3]) await world.consume({ sink: lake, zone });
    deepStrictEqual(world.batches.map(({ files, events }) => [files, events]), [[1, 2]]);
    match(world.remarks[0]!, /own warehouse\/ and checkpoints\/ lie among the event files: they are left out$/);
    // The lake itself as its raw zone.
    const itself = { store: world.store, prefix: "", nameBase: "", format: undefined };
    for (const _run of [1, 2]) await world.consume({ zone: itself });
    strictEqual(world.batches.length, 2);
    for (const prefix of ["warehouse/", "warehouse/bronze/", "checkpoints/"]) {
      await rejects(world.consume({ zone: { ...itself, prefix } }), /the lake keeps its own files there/);
    }
  }));

Deno.test("a file that may not be read stays, with a word, and is taken when it may", () =>
  ConsumeWorld.use(async (world) => {
    world.put("open.json", two);
    world.put("locked.json", two);
    // By a store that refuses: whoever runs this may be root, who reads everything.
    const refusing = storeWith(world.store, {
      readRange(path, ...rest) {
        if (!path.endsWith("locked.json")) return world.store.readRange(path, ...rest);
        return Promise.reject(new StreamlabError("unavailable", `Cannot read ${path}: permission denied`));
      },
    });
    const { zone } = world.options();
    const { unreadable } = await world.consume({ zone: { ...zone, store: refusing } });
    deepStrictEqual(unreadable.map(({ name }) => name), ["raw/events/locked.json"]);
    deepStrictEqual(world.remarks, [
      "raw/events/locked.json unreadable: Cannot read raw/events/locked.json: permission denied",
    ]);
    deepStrictEqual(Object.keys(await ledger(world)), ["open.json"]);
    await world.consume();
    deepStrictEqual(Object.keys(await ledger(world)), ["locked.json", "open.json"]);
  }));

Deno.test("a file that may not be looked at does not stop the others, and is taken when it may", () =>
  ConsumeWorld.use(async (world) => {
    world.put("open.json", two);
    world.put("locked/a.json", two);
    const refusing = storeWith(world.store, {
      stat(path) {
        if (!path.includes("/locked/")) return world.store.stat(path);
        return Promise.reject(new StreamlabError("unavailable", `Cannot look at ${path}: permission denied`));
      },
    });
    const { zone } = world.options();
    for (const _run of [1, 2]) await world.consume({ zone: { ...zone, store: refusing } });
    deepStrictEqual(Object.keys(await ledger(world)), ["open.json"]);
    const told = "raw/events/locked/a.json unreadable: Cannot look at raw/events/locked/a.json: permission denied";
    deepStrictEqual(world.remarks, [told, told]);
    await world.consume();
    deepStrictEqual(Object.keys(await ledger(world)), ["locked/a.json", "open.json"]);
  }));

Deno.test("a folder that may not be read does not stop the others", () =>
  ConsumeWorld.use(async (world) => {
    world.put("open.json", two);
    world.put("locked/a.json", two);
    Deno.symlinkSync(world.rawPath("locked/a.json"), world.rawPath("link.json"));
    Deno.chmodSync(world.rawPath("locked"), 0);
    try {
      // The superuser may read everything.
      const taken = mayRead(world.rawPath("locked")) ? ["link.json", "locked/a.json", "open.json"] : ["open.json"];
      const { unreadable } = await world.consume();
      deepStrictEqual(Object.keys(await ledger(world)), taken);
      const told = taken.length > 1 ? [] : ["raw/events/link.json", "raw/events/locked/"];
      deepStrictEqual(
        unreadable.map(({ name, reason }) => `${name}: ${reason}`).sort(),
        told.map((name) => `${name}: it may not be read`),
      );
    } finally {
      Deno.chmodSync(world.rawPath("locked"), 0o700);
    }
  }));

function mayRead(folder: string): boolean {
  try {
    return [...Deno.readDirSync(folder)].length > 0;
  } catch {
    return false;
  }
}

Deno.test("a large corrupted file is told by its head, size and hash", () =>
  ConsumeWorld.use(async (world) => {
    world.put("large.json", `["é${"x".repeat(17 << 20)}`);
    await world.consume();
    const [row] = await world.rows(
      "SELECT _dead_letter_detail AS detail, strlen(_raw_record)::INT AS length FROM {{dead_letters.events}}",
    );
    strictEqual(row!.length, 65_536);
    match(row!.detail as string, /; the first 65,536 of 17,825,796 bytes are kept, SHA-256 of all [0-9a-f]{64}$/);
  }));

Deno.test("records nested 2,000 deep are judged and kept", () =>
  ConsumeWorld.use(async (world) => {
    const deep = "[".repeat(2_000) + "]".repeat(2_000), objects = '{"a":'.repeat(2_000) + "1" + "}".repeat(2_000);
    world.put("deep.json", `[${event(1)},${deep},${objects},{"x":${deep},${event(2).slice(1)}]`);
    world.put("deep.ndjson", `${deep}\n${objects}\n${event(3)}\n`);
    await world.consume();
    const { "deep.json": array, "deep.ndjson": lines } = await ledger(world);
    deepStrictEqual([array, lines], [
      "4 1 3 ingested extra_fields+invalid_schema",
      "3 1 2 ingested invalid_schema",
    ]);
    const rows = await world.rows("SELECT _raw_record AS raw FROM {{dead_letters.events}}");
    ok(rows.some(({ raw }) => raw === deep) && rows.some(({ raw }) => raw === objects));
  }));
