import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import type { Session } from "../../core/query/sql_session.ts";
import { openOutput } from "../../commands/query/output.ts";
import { Prompt } from "../../commands/query/prompt.ts";
import { seededRandom } from "../../core/base/random.ts";
import { runProgram } from "../../commands/line/program.ts";
import { commands } from "../../main.ts";
import { QueryWorld } from "../support/query_world.ts";
import { type TestWorld, testWorld, type TestWorldOptions } from "../support/test_world.ts";

/** A lake with three rows in a.b; runs a command line in it. */
async function withLake(
  action: (
    run: (args: string[], options?: Partial<TestWorldOptions>) => Promise<Ran>,
    world: QueryWorld,
  ) => Promise<void>,
): Promise<void> {
  await QueryWorld.use(async (world) => {
    const table = await world.lake.create("a.b", [{ id: 0, name: "n", required: false, type: { type: "int" } }]);
    await world.lake.append(table, "SELECT i::INT AS n FROM range(3) t(i)");
    await action(async (args, options = {}) => {
      const shell = testWorld({ commands, cwd: world.lake.folder, env: { TMPDIR: world.lake.folder }, ...options });
      const status = await runProgram(["query", "--source", ".", ...args], shell);
      return { status, shell };
    }, world);
  });
}

type Ran = { status: number; shell: TestWorld };

Deno.test("the question comes from the argument, a file or standard input", () =>
  withLake(async (run, { lake }) => {
    const sql = "select sum(n) as s from a.b";
    const answer = "s\n3\n";
    await Deno.writeTextFile(`${lake.folder}/q.sql`, `-- from a file\n${sql};\n`);
    const ways: [string[], string][] = [[[sql], ""], [["-f", "q.sql"], ""], [[], sql], [["-"], sql]];
    for (const [args, stdin] of ways) {
      const { status, shell } = await run([...args, "--format", "csv"], { stdin });
      strictEqual(shell.stderrText(), "");
      strictEqual(shell.stdoutText(), answer);
      strictEqual(status, 0);
    }
  }));

Deno.test("without a format an answer is a table, with --json an object a line", () =>
  withLake(async (run) => {
    strictEqual((await run(["select n from a.b limit 1"])).shell.stdoutText(), "n\n─\n0\n(1 row)\n");
    strictEqual((await run(["--json", "select n from a.b"])).shell.stdoutText(), '{"n":0}\n{"n":1}\n{"n":2}\n');
    strictEqual((await run(["--json", "--format", "csv", "select n from a.b"])).shell.stdoutText(), "n\n0\n1\n2\n");
    match((await run(["explain select n from a.b"])).shell.stdoutText(), /^┌─+┐\n/);
  }));

Deno.test("Parquet and Arrow go to standard output whole", () =>
  withLake(async (run) => {
    const parquet = (await run(["select n from a.b -- end", "--format", "parquet"])).shell.stdoutBytes();
    strictEqual(new TextDecoder().decode(parquet.slice(0, 4)), "PAR1");
    strictEqual(new TextDecoder().decode(parquet.slice(-4)), "PAR1");
    const arrow = (await run(["select n from a.b", "--format", "arrow"])).shell.stdoutBytes();
    deepStrictEqual([...arrow.slice(0, 4)], [255, 255, 255, 255]);
    strictEqual((await run(["explain select n from a.b", "--format", "parquet"])).status, 2);
  }));

Deno.test("an output file appears whole or not at all", () =>
  withLake(async (run, { lake }) => {
    const path = `${lake.folder}/out/answer`;
    await Deno.mkdir(`${lake.folder}/out`);
    const names = async () => (await Array.fromAsync(Deno.readDir(`${lake.folder}/out`))).map(({ name }) => name);
    for (const format of ["csv", "parquet"]) {
      const { status, shell } = await run(["select n from a.b", "--format", format, "--output", "out/answer"]);
      strictEqual(status, 0, shell.stderrText());
      strictEqual(shell.stdoutText(), "");
      deepStrictEqual(await names(), ["answer"]);
      const before = await Deno.readFile(path);
      const failed = await run(["select 1 / n, error('no') from a.b", "--format", format, "--output", "out/answer"]);
      ok(failed.status !== 0);
      deepStrictEqual(await names(), ["answer"]);
      deepStrictEqual(await Deno.readFile(path), before);
    }
    const folder = await run(["select 1", "--output", "out"]);
    strictEqual(folder.status, 2);
    match(
      folder.shell.stderrText(),
      /^streamlab: Cannot write the answer to .*\/out: it is a folder\n {2}Name a file in it\n$/,
    );
    const device = await run(["select 1", "--output", "/dev/null"]);
    match(device.shell.stderrText(), /Cannot write the answer to \/dev\/null: it is no file\n/);
    const nowhere = await run(["select 1", "--output", "nowhere/answer"]);
    strictEqual(nowhere.status, 1);
    match(nowhere.shell.stderrText(), /^streamlab: Cannot write the answer to .*nowhere\/answer: /);
  }));

Deno.test("two processes of one number, as in two containers, write to one output without harm", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [first, second] = await Promise.all([1, 2].map((seed) => {
      const world = testWorld({ commands: [], cwd: folder });
      const context = { ...world, json: false, jsonMessages: false, debug: false, typed: new Set<string>() };
      return openOutput({ ...context, random: seededRandom(seed) }, "answer");
    }));
    await first!.write("of the first, which is long");
    await second!.write("of the second");
    await first!.finish();
    await second!.finish();
    strictEqual(await Deno.readTextFile(`${folder}/answer`), "of the second");
    deepStrictEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["answer"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("without a format the suffix of the output's name says it", () =>
  withLake(async (run, { lake }) => {
    const starts: [string, string][] = [
      ["a.csv", "n\n0\n"],
      ["a.JSON", '[{"n":0}'],
      ["a.ndjson", '{"n":0}\n'],
      ["a.jsonl", '{"n":0}\n'],
      ["a.md", "| n |"],
      ["a.txt", "n\n─\n"],
      ["a", "n\n─\n"],
      ["a.parquet", "PAR1"],
      ["a.arrow", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"],
    ];
    for (const [name, start] of starts) {
      const { status, shell } = await run(["select n from a.b", "-o", name]);
      strictEqual(status, 0, shell.stderrText());
      ok((await Deno.readTextFile(`${lake.folder}/${name}`)).startsWith(start), name);
    }
    strictEqual((await run(["select n from a.b", "-o", "b.csv", "--format", "ndjson"])).status, 0);
    ok((await Deno.readTextFile(`${lake.folder}/b.csv`)).startsWith("{"));
  }));

const failures: [string[], number, RegExp][] = [
  [["--source", "nowhere", "select 1 from a.b"], 2, /--source is given twice/],
  [["drop table a.b"], 2, /only questions are answered here: SELECT, and DESCRIBE, SHOW, SUMMARIZE or EXPLAIN of one/],
  [["set timezone = 'Europe/Berlin'"], 2, /only questions are answered.*\n {2}--timezone names the time zone/],
  [["explain analyze copy (select 1) to 'x'"], 2, /only questions are answered/],
  [["select 1; select 2"], 2, /more than one statement/],
  [["select at, n from a.b"], 2, /syntax error.*\n {2}at is a keyword: where it names a column or a table, write "at"/],
  [["select n, order from a.b"], 2, /\n {2}order is a keyword: .* write "order" with the quotes\n$/],
  [["select n from from"], 2, /syntax error.*near from\)\n/],
  [["select m from a.b"], 2, /"m".*\n {2}Candidate bindings: "n"/],
  [["select * from a.c"], 1, /There is no table a\.c\n {2}There are a\.b\n$/],
  [["select 1", "-f", "q.sql"], 2, /both an argument and --file/],
  [["-f", "missing.sql"], 1, /Cannot read the question from .*missing\.sql: there is no such file\n$/],
  [["-f", "."], 1, /Cannot read the question from .*: it is a folder, not a file\n$/],
  [["--as-of", "-9000d", "select 1 from a.b"], 1, /a\.b had no snapshot at 200\d/],
  [["--timezone", "Berlin", "select 1"], 2, /--timezone: expected a time zone such as Europe\/Berlin/],
  [["--as-of", "2026-03-01", "--snapshot", "1", "select 1"], 2, /--as-of and --snapshot/],
  [["--snapshot", "1", "select 1 from a.b"], 1, /a\.b has no snapshot 1\n/],
  [["--as-of", "2020-01-01", "select 1 from a.b"], 1, /a\.b had no snapshot at 2020/],
  [["--format", "yaml", "select 1"], 2, /--format: expected one of table, line, json/],
];

Deno.test("what cannot be answered is said in one or two lines", () =>
  withLake(async (run) => {
    for (const [args, expected, pattern] of failures) {
      const { status, shell } = await run(args);
      strictEqual(shell.stdoutText(), "");
      match(shell.stderrText(), pattern);
      strictEqual(status, expected, args.join(" "));
      ok(shell.stderrText().trimEnd().split("\n").length <= 2, shell.stderrText());
    }
  }));

Deno.test("a lake that is not there is named, with what to do", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const shell = testWorld({ commands, cwd: folder, env: { TMPDIR: folder } });
    strictEqual(await runProgram(["query", "select * from bronze.events"], shell), 1);
    match(
      shell.stderrText(),
      new RegExp(`^streamlab: There is no lake at ${folder}/lake\n  Name another with --source`),
    );
    const alone = testWorld({ commands, cwd: folder, env: { TMPDIR: folder } });
    strictEqual(await runProgram(["query", "select 1"], alone), 1);
    match(alone.stderrText(), /There is no lake at/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const place = { lend: () => () => {}, keep: () => {} };

Deno.test("the prompt answers, explains itself, and outlives errors", () =>
  withLake(async (_run, { session }) => {
    const shell = {
      ...testWorld({ commands }),
      json: false,
      jsonMessages: false,
      debug: false,
    };
    const kept: string[] = [];
    const prompt = new Prompt(shell, session, { explainScan: false, format: "csv" }, {
      ...place,
      keep: (statement) => kept.push(statement),
    });
    for (
      const line of [
        "select n",
        "from a.b limit 1;",
        ".tables",
        ".schema a.b",
        "drop table a.b;",
        ".tabels",
        ".mode ndjson",
      ]
    ) {
      strictEqual(await prompt.take(line), true);
    }
    await prompt.take("select 1 as one;");
    strictEqual(await prompt.take(".quit"), false);
    deepStrictEqual(shell.stdoutText().split("\n"), [
      "n",
      "0",
      "namespace,name",
      "a,b",
      "column_name,column_type,null,key,default,extra",
      "n,INTEGER,YES,,,",
      '{"one":1}',
      "",
    ]);
    match(shell.stderrText(), /only questions are answered[\s\S]*did you mean \.tables\?/);
    // Statements are kept, not lines.
    deepStrictEqual(kept.slice(0, 2), ["select n\nfrom a.b limit 1;", ".tables"]);
  }));

Deno.test("an interrupt between a line's end and its question stops the question; the next one is asked", () =>
  withLake(async (_run, { session }) => {
    const shell = { ...testWorld({ commands }), json: false, jsonMessages: false, debug: false };
    const prompt = new Prompt(shell, session, { explainScan: false }, place);
    prompt.enter();
    strictEqual(prompt.interrupt(), true);
    await prompt.take("select count(*) from range(3000000) a, range(3000000) b where a.range * b.range % 7 = 3;");
    match(shell.stderrText(), /^streamlab: Stopped the query\n$/);
    // Nothing runs and nothing was entered: what is typed is dropped.
    prompt.enter();
    await prompt.take("select 1");
    strictEqual(prompt.interrupt(), false);
    await prompt.take("select 6 * 7 as answer;");
    match(shell.stdoutText(), /42/);
  }));

/** Lines typed at a prompt 60 columns wide; what each output got. */
async function atPrompt(session: Session, lines: string[], cwd?: string): Promise<{ stdout: string; stderr: string }> {
  const world = testWorld({ commands, ...(cwd === undefined ? {} : { cwd }) });
  const shell = {
    ...world,
    isTerminal: { stdin: true, stdout: true, stderr: true },
    terminalSize: () => ({ columns: 60, rows: 24 }),
    json: false,
    jsonMessages: false,
    debug: false,
  };
  const prompt = new Prompt(shell, session, { explainScan: false }, place);
  for (const line of lines) await prompt.take(line);
  return { stdout: world.stdoutText(), stderr: world.stderrText() };
}

Deno.test("an error at the prompt shows the line of the SQL with a caret under its place", () =>
  withLake(async (_run, { session }) => {
    const { stderr } = await atPrompt(session, [
      "select n,",
      "  m from a.b;",
      "select 'ö' form a.b;",
      "select x;",
      `select 1 + ${"1 + ".repeat(30)} m from a.b;`,
    ]);
    const shown = stderr.split("\n").filter((line) => line.startsWith("    "));
    deepStrictEqual(shown.slice(0, 6), [
      "      m from a.b",
      "      ^",
      "    select 'ö' form a.b",
      "                    ^",
      "    select x",
      "           ^",
    ]);
    match(stderr, /"m" not found in FROM clause \(line 2, column 3, near m\)\n/);
    const [line, caret] = shown.slice(6);
    ok(line!.length <= 60);
    strictEqual(line![caret!.indexOf("^")], "m");
  }));

Deno.test("the prompt shows the first rows of a table, and says that there are more", () =>
  withLake(async (_run, { session }) => {
    const count = async (...lines: string[]) => {
      const { stdout } = await atPrompt(session, lines);
      return [/\(([\d,]+) rows?\)/.exec(stdout)![1], /more rows/.test(stdout)];
    };
    deepStrictEqual(await count("from range(5000);"), ["40", true]);
    deepStrictEqual(await count("from range(40);"), ["40", false]);
    deepStrictEqual(await count(".maxrows 3", "from range(4);"), ["3", true]);
    deepStrictEqual(await count(".maxrows 0", "from range(5000);"), ["5,000", false]);
    deepStrictEqual(await count(".maxrows 3", ".mode line", "from range(4);"), ["3", true]);
    // What is for other programs is whole.
    strictEqual((await atPrompt(session, [".mode csv", "from range(100);"])).stdout.split("\n").length, 102);
  }));

Deno.test("the prompt asks what is in a file, and says what each answer took", () =>
  withLake(async (_run, { lake, session }) => {
    await Deno.writeTextFile(`${lake.folder}/q.sql`, ".mode csv\nselect 1 as one;\nselect nope;\nselect\n2 as two");
    await Deno.writeTextFile(`${lake.folder}/again.sql`, "select 3; \n.read q.sql\n");
    const lines = [
      ".timer on",
      ".read q.sql",
      ".read",
      ".read nowhere.sql",
      ".read again.sql",
      ".timer",
      ".timer maybe",
    ];
    const { stdout, stderr } = await atPrompt(session, lines, lake.folder);
    strictEqual(stdout, "one\n1\ntwo\n2\non\n");
    strictEqual(stderr.match(/^Took \d+\.\d{3} s$/gm)?.length, 3);
    match(stderr, /\.read FILE[^]*nowhere\.sql[^]*cannot read another[^]*expected one of on, off/);
  }));

Deno.test("instants are read and shown in the time zone that is asked for", () =>
  withLake(async (run) => {
    const answer = async (...args: string[]) => (await run(["--format", "csv", ...args])).shell.stdoutText();
    const sql = "select timestamptz '2026-07-01 12:00:00' as t, [t] as l, {'a': map {t: t}} as s";
    strictEqual(
      await answer("--timezone", "Europe/Berlin", sql),
      't,l,s\n2026-07-01 12:00:00+02,"[""2026-07-01T12:00:00+02:00""]",' +
        '"{""a"":[[""2026-07-01T12:00:00+02:00"",""2026-07-01T12:00:00+02:00""]]}"\n',
    );
    const short = "select timestamptz '2026-07-01 12:00:00' as t, [t] as l";
    strictEqual(await answer(short), 't,l\n2026-07-01 12:00:00+00,"[""2026-07-01T12:00:00Z""]"\n');
    // Without a letter for a zone of its own that RFC 3339 could write, it stays in UTC.
    const old = "select [make_timestamptz(-5000000000000000)] as l, ['infinity'::timestamptz] as e";
    strictEqual(
      await answer("--timezone", "Europe/Berlin", old),
      'l,e\n"[""1811-07-23T15:06:40Z""]","[""infinity""]"\n',
    );
  }));
