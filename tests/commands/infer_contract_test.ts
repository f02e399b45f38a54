import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { Judge } from "../../core/contract/judge.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { DuckDb, quoteText } from "../../core/engine/duckdb.ts";
import { Place } from "./place.ts";

/** Like those of a public archive: nested, of several types, with fields that not all have. */
function event(index: number): Record<string, unknown> {
  return {
    id: String(28_000_000_000 + index),
    type: ["PushEvent", "WatchEvent", "IssuesEvent"][index % 3],
    actor: { id: 1_000 + index, login: `user-${index}`, gravatar_id: "" },
    repo: { id: 77, name: "a/b", url: "https://api.example.org/repos/a/b" },
    payload: index % 3 === 0
      ? { push_id: 10_000_000_000 + index, size: 1, commits: [{ sha: "0f3c", distinct: true }] }
      : { action: "opened" },
    public: true,
    created_at: `2026-03-01T12:00:${String(index % 60).padStart(2, "0")}Z`,
    ...(index % 2 === 0 ? { org: { id: 5, login: "acme" } } : {}),
    _score: index / 7,
    score: null,
  };
}

const EVENTS = Array.from({ length: 300 }, (_each, index) => event(index));
const lines = (events: readonly unknown[]) => events.map((each) => `${JSON.stringify(each)}\n`).join("");

Deno.test("a folder of unknown files becomes a queried table in three commands", () =>
  Place.use(async (place) => {
    place.put("in/a.ndjson", lines(EVENTS.slice(0, 100)));
    place.put("in/deep/b.json", EVENTS.slice(100, 200));
    place.put("in/c.ndjson", lines(EVENTS.slice(200)));
    const inferred = await place.run("consume", "--infer-contract", "--raw", "in");
    strictEqual(inferred.status, 0, inferred.stderr);
    match(
      inferred.stderr,
      /Drawn from 300 records, the first .* of 3 of 3 files\nIt would make dead letters of 0 of them\n/,
    );
    place.put("c.json", inferred.stdout);
    const { properties, required } = JSON.parse(inferred.stdout);
    deepStrictEqual(properties.created_at, { type: "string", format: "date-time" });
    deepStrictEqual(properties.type, { type: "string", enum: ["IssuesEvent", "PushEvent", "WatchEvent"] });
    deepStrictEqual(properties._score, { type: "number", "x-column": "score_2" });
    deepStrictEqual(properties.payload.properties.push_id, { type: "integer" });
    deepStrictEqual([required.includes("id"), required.includes("org")], [true, false]);

    const flags = ["--raw", "in", "--contract", "c.json", "--table", "git.events"];
    const batches = await place.records("consume", "--once", ...flags);
    deepStrictEqual(batches.map(({ events, deadLetters }) => [events, deadLetters]), [[300, 0]]);
    deepStrictEqual(
      await place.ask(
        "SELECT type, count(*)::int AS n, min(actor.id)::int AS first FROM git.events GROUP BY ALL ORDER BY 1",
      ),
      [
        { type: "IssuesEvent", n: 100, first: 1002 },
        { type: "PushEvent", n: 100, first: 1000 },
        { type: "WatchEvent", n: 100, first: 1001 },
      ],
    );

    place.put("in/d.ndjson", lines(EVENTS.map((each) => ({ ...each, id: 7, extra: "2026-03-01" }))));
    const other = await place.run("consume", "--infer-contract", "--table", "git.events");
    strictEqual(other.status, 0, other.stderr);
    match(other.stderr, /^From the contract of the target it differs:$/m);
    match(other.stderr, /^ {2}new: \/extra \{"type":"string","format":"date"\}$/m);
    match(other.stderr, /^ {2}differs: \/id .*, until now .*"string"/m);
  }));

Deno.test("what most values are is the type, and the faults are counted by their place", () =>
  Place.use(async (place) => {
    const records = Array.from(
      { length: 200 },
      (_each, index) => ({ n: index === 5 ? "five" : index, s: `x${index}` }),
    );
    place.put("in/a.ndjson", lines(records));
    const { stdout, stderr } = await place.run("consume", "--infer-contract", "--raw", "in");
    deepStrictEqual(JSON.parse(stdout).properties, { n: { type: "integer" }, s: { type: "string" } });
    match(stderr, /^It would make dead letters of 1 of them$/m);
    match(stderr, /^ {2}1: \/n: expected integer.*, found string "five"$/m);
  }));

Deno.test("whole numbers beyond 64 bits keep their digits", () =>
  Place.use(async (place) => {
    const ids = ["18446744073709551615", "9223372036854775809", "7"];
    place.put("in/a.ndjson", ids.map((id) => `{"id":${id},"mixed":${id}}\n{"id":${id},"mixed":0.5}\n`).join(""));
    const { stdout } = await place.run("consume", "--infer-contract", "--raw", "in");
    strictEqual(JSON.parse(stdout).properties.mixed.type, "number");
    const judge = new Judge(parseContract(stdout), "dead-letter");
    for (const id of ids) {
      const judgement = judge.judge(`{"id":${id},"mixed":1}`);
      ok(judgement.kind === "event");
      strictEqual(judgement.values.id, id);
    }
  }));

Deno.test("objects of ever other keys make no contract, and it is said why", () =>
  Place.use(async (place) => {
    const record = (i: number) => Object.fromEntries(Array.from({ length: 50 }, (_, j) => [`id ${i} ${j}`, 1]));
    place.put("in/a.ndjson", lines(Array.from({ length: 201 }, (_, i) => record(i))));
    const { status, stderr, stdout } = await place.run("consume", "--infer-contract", "--raw", "in");
    deepStrictEqual([status, stdout], [2, ""]);
    match(stderr, /Cannot draw a contract from .*: its objects have 10,050 different keys/);
  }));

Deno.test("hundreds of keys that one column name is made of are numbered", () =>
  Place.use(async (place) => {
    const keys = Array.from({ length: 4096 }, (_, i) =>
      [..."abcdefghijkl"].map((letter, bit) => i >> bit & 1 ? letter.toUpperCase() : letter).join(""));
    place.put("in/a.ndjson", JSON.stringify(Object.fromEntries(keys.map((key) => [key, 1]))));
    const { stdout } = await place.run("consume", "--infer-contract", "--raw", "in");
    strictEqual(JSON.parse(stdout).properties[keys[4095]!]["x-column"], `${keys[4095]}_4096`);
  }));

Deno.test("it reads the heads of packed files, and of a file that is cut what is whole", () =>
  Place.use(async (place) => {
    const whole = new TextEncoder().encode(lines(EVENTS));
    place.put("in/x", "");
    Deno.writeFileSync(`${place.folder}/in/a.ndjson.gz`, gzipSync(whole));
    Deno.writeFileSync(`${place.folder}/in/b.ndjson.zst`, zstdCompressSync(whole));
    place.put("in/c.json", '[{"id":"1"},{"id":"2"},{"id"');
    const { status, stdout, stderr } = await place.run("consume", "--infer-contract", "--raw", "in");
    strictEqual(status, 0, stderr);
    match(stderr, /^Drawn from 602 records, the first .* of 3 of 3 files$/m);
    ok(JSON.parse(stdout).properties.org);
  }));

Deno.test("many files are sampled, and it is said of what", () =>
  Place.use(async (place) => {
    const text = lines(EVENTS.slice(0, 10));
    for (let file = 0; file < 200; file++) place.put(`in/${file}.ndjson`, text);
    const { stderr } = await place.run("consume", "--infer-contract", "--raw", "in");
    match(stderr, /^Drawn from 640 records, the first .* of 64 of 200 files$/m);
  }));

Deno.test("without a JSON object there is no contract to draw, and flags that contradict it are refused", () =>
  Place.use(async (place) => {
    place.put("in/a.json", "[1,2]");
    const none = await place.run("consume", "--infer-contract", "--raw", "in");
    deepStrictEqual([none.status, none.stdout], [1, ""]);
    match(none.stderr, /Cannot draw a contract from .*\/in\/: no JSON object/);
    const refused = await place.run("consume", "--infer-contract", "--all-targets");
    strictEqual(refused.status, 2);
  }));

Deno.test("objects of ever other keys are maps, mixed values keep their JSON text", () =>
  Place.use(async (place) => {
    const records = Array.from({ length: 100 }, (_each, index) => ({
      by: { [`user-${index}`]: index },
      mixed: index % 2 === 0 ? index : { a: 1 },
      scalar: index % 2 === 0 ? index : "text",
      empty: [],
      list: [1, null],
    }));
    place.put("in/a.ndjson", lines(records));
    const { stdout, stderr } = await place.run("consume", "--infer-contract", "--raw", "in");
    const { properties } = JSON.parse(stdout);
    deepStrictEqual(properties, {
      by: { type: "object", additionalProperties: { type: "integer" } },
      mixed: {},
      scalar: { type: ["string", "number"] },
      empty: {},
      list: { type: "array", items: { type: ["integer", "null"] } },
    });
    match(stderr, /dead letters of 0 of them/);
  }));

Deno.test("what a file holds its first bytes say, not its name, and that is told", () =>
  Place.use(async (place) => {
    const whole = new TextEncoder().encode(lines(EVENTS.slice(0, 10)));
    place.put("in/a.ndjson", "");
    Deno.writeFileSync(`${place.folder}/in/a.ndjson`, gzipSync(whole));
    Deno.writeFileSync(`${place.folder}/in/b.json`, zstdCompressSync(whole));
    Deno.writeFileSync(`${place.folder}/in/c.ndjson.gz`, whole);
    const { status, stderr } = await place.run("consume", "--infer-contract", "--raw", "in");
    strictEqual(status, 0, stderr);
    match(stderr, /^Drawn from 30 records, the first .* of 3 of 3 files$/m);
    match(stderr, /^1 file is gzip by the first bytes, though not by name, and read so: .*\/in\/a\.ndjson$/m);
    match(stderr, /^1 file is zstd by the first bytes.*: .*\/in\/b\.json$/m);
    match(stderr, /^1 file is not compressed by the first bytes.*: .*\/in\/c\.ndjson\.gz$/m);
  }));

Deno.test("a broken line costs no other", () =>
  Place.use(async (place) => {
    place.put("in/a.ndjson", '{"id":1}\n{"id":\n{"id":3}\nnothing\n{"id":4}\n');
    place.put("in/b.json", '{\n  "id": 5\n}\n{\n  "id" 6\n}\n{"id":7}\n');
    const { stderr } = await place.run("consume", "--infer-contract", "--raw", "in");
    match(stderr, /^Drawn from 4 records, /m);
  }));

Deno.test("numbers that are called and look like times are times, and that is said", () =>
  Place.use(async (place) => {
    const records = Array.from({ length: 60 }, (_each, index) => ({
      created: 1_772_000_000 + index,
      eventTime: 1_772_000_000_123 + index,
      ts_us: index === 7 ? null : 1_772_000_000_123_456 + index,
      payload: { at: 1_772_000_000.5 + index, order_id: 1_772_000_000 + index, time_offset: 1_772_000_000 },
      timestamp: index % 2 === 0 ? 1_772_000_000 : 1_772_000_000_000,
      duration_ms: 1_772_000_000_123,
      phone: 4_915_112_345_678 + index,
      year_time: 2026,
    }));
    place.put("in/a.ndjson", lines(records));
    const { stdout, stderr, status } = await place.run("consume", "--infer-contract", "--raw", "in");
    strictEqual(status, 0, stderr);
    deepStrictEqual(JSON.parse(stdout).properties, {
      created: { type: "integer", format: "epoch-seconds" },
      eventTime: { type: "integer", format: "epoch-millis" },
      ts_us: { type: "integer", format: "epoch-micros" },
      payload: {
        type: "object",
        required: ["at", "order_id", "time_offset"],
        properties: {
          at: { type: "number", format: "epoch-seconds" },
          order_id: { type: "integer" },
          time_offset: { type: "integer" },
        },
      },
      timestamp: { type: "integer" },
      duration_ms: { type: "integer" },
      phone: { type: "integer" },
      year_time: { type: "integer" },
    });
    match(
      stderr,
      /^Taken for times, by name and value:\n {2}\/created: epoch-seconds, 60 values\n {2}\/eventTime: epoch-millis, 60 values\n {2}\/ts_us: epoch-micros, 59 values\n {2}\/payload\/at: epoch-seconds, 60 values\n/m,
    );
    match(stderr, /dead letters of 0 of them/);
    place.put("c.json", stdout);
    await place.records("consume", "--once", "--raw", "in", "--contract", "c.json", "--table", "t.events");
    deepStrictEqual(await place.ask('SELECT epoch_ms(min("eventTime"))::text AS first FROM t.events'), [
      { first: "1772000000123" },
    ]);
  }));

Deno.test("a contract is drawn from Parquet files, by rows as consume will have them", () =>
  Place.use(async (place) => {
    place.put("in/x", "");
    const rows = `SELECT i AS id, 'name ' || i AS name, i::DECIMAL(12,2) AS price, [i, NULL] AS list, {a: i} AS nested,
  TIMESTAMPTZ '2026-03-01 12:00:00Z' AS at, DATE '2026-03-01' AS day, 1772000000000 + i AS ts FROM range(5000) t(i)`;
    const database = await DuckDb.open({ threads: 1 });
    const connection = await database.connect();
    // A name that is a pattern, too.
    for (const name of ["a.parquet", "b[1]*.parquet"]) {
      await connection.run(`COPY (${rows}) TO ${quoteText(`${place.folder}/in/${name}`)} (FORMAT parquet)`);
    }
    connection.close();
    database.close();
    place.put("in/broken.parquet", "PAR1 and no more");
    place.temporaryFolder = `${place.folder}/tmp`;
    Deno.mkdirSync(place.temporaryFolder);
    const { stdout, stderr, status } = await place.run("consume", "--infer-contract", "--raw", "in");
    strictEqual(status, 0, stderr);
    match(stderr, /^Drawn from 4,000 records, the first .* of 3 of 3 files; 1 file could not be read here$/m);
    match(stderr, /dead letters of 0 of them/);
    deepStrictEqual([...Deno.readDirSync(place.temporaryFolder)], []);
    const { properties } = JSON.parse(stdout);
    deepStrictEqual([properties.at, properties.day, properties.ts, properties.list, properties.nested.properties], [
      { type: "string", format: "date-time" },
      { type: "string", format: "date" },
      { type: "integer", format: "epoch-millis" },
      { type: "array", items: { type: ["integer", "null"] } },
      { a: { type: "integer" } },
    ]);
    place.put("c.json", stdout);
    const [batch] = await place.records("consume", "--once", "--raw", "in", "--contract", "c.json");
    deepStrictEqual([batch!.events, batch!.deadLetters], [10_000, 1]);
  }));
