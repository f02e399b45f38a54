import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { produce } from "../../commands/produce/produce.ts";
import { runProgram } from "../../commands/line/program.ts";
import { DIRTY_CHANCES } from "../../core/produce/options.ts";
import { type TestWorld, testWorld } from "../support/test_world.ts";
import { collect, optionsWith, text, type TruthLine } from "./collect.ts";

interface Outcome {
  status: number;
  world: TestWorld;
  folder: string;
}

/** Runs the command in a folder of its own. */
async function run(args: string[], check: (outcome: Outcome) => Promise<void> | void, signal?: AbortSignal) {
  const folder = await Deno.makeTempDir();
  try {
    const world = testWorld({ commands: [produce], cwd: folder, ...(signal && { signal }) });
    const status = await runProgram(["produce", ...args], world);
    await check({ status, world, folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const seeded = ["--seed", "7", "--start", "2026-03-01", "--batches", "5", "--batch-size", "20", "--users", "50"];

async function filesOf(folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { name } of Deno.readDir(join(folder, "raw/events"))) {
    files.set(`raw/events/${name}`, await Deno.readFile(join(folder, "raw/events", name)));
  }
  return new Map([...files].sort());
}

Deno.test("produce writes below raw/events of ./lake, and sums up on standard output", async () => {
  const args = [...seeded, "--interval", "0", "--dirty", "--truth", "truth.ndjson"];
  await run(args, async ({ status, world, folder }) => {
    strictEqual(status, 0);
    const expected = await collect(optionsWith({ chances: DIRTY_CHANCES }));
    deepStrictEqual(await filesOf(join(folder, "lake")), expected.files);
    strictEqual(await Deno.readTextFile(join(folder, "truth.ndjson")), expected.truthText);
    match(world.stdoutText(), /^Produced 5 files, 100 events, .* to .*lake\n {2}event \d+,.*\n$/);
    strictEqual(world.stderrText(), "");
  });
});

Deno.test("produce --json prints one object a file, and nothing else, on standard output", async () => {
  const args = [...seeded, "--interval", "0", "--json", "--sink", "here", "--duplicate-chance", "1"];
  await run(args, async ({ status, world, folder }) => {
    strictEqual(status, 0);
    const lines = world.stdoutText().trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    const files = await filesOf(join(folder, "here"));
    deepStrictEqual(
      lines.map(({ file, bytes }) => [file, bytes]),
      [...files].map(([file, { length }]) => [file, length]),
    );
    deepStrictEqual({ ...lines[0], time: undefined }, {
      time: undefined,
      file: [...files.keys()][0],
      batch: 0,
      format: "json",
      compression: "none",
      bytes: [...files.values()][0]!.length,
      records: 20,
      corrupted: null,
      counts: { event: 20, invalid_schema: 0, extra_fields: 0, corrupted_record: 0, corrupted_batch: 0 },
      duplicates: 19,
      late: 0,
    });
  });
});

Deno.test("produce --sink stdout prints the files, and the summary beside it", async () => {
  await run([...seeded, "--interval", "0", "--sink", "stdout", "--format", "ndjson"], async ({ status, world }) => {
    strictEqual(status, 0);
    const { files } = await collect(optionsWith({ format: "ndjson" }));
    strictEqual(world.stdoutText(), [...files.values()].map(text).join(""));
    match(world.stderrText(), /^Produced 5 files, 100 events/);
  });
});

Deno.test("without --interval or --rate a file comes every three seconds", async () => {
  await run(["--batches", "5", "--batch-size", "20", "--sink", "stdout"], ({ world }) => {
    match(world.stderrText(), /in 12\.0s, 8 events\/s/);
  });
});

Deno.test("a seeded run is a replay: it waits only where an interval is asked for", async () => {
  await run([...seeded, "--sink", "stdout"], ({ world }) => match(world.stderrText(), /in \d+ms/));
  await run([...seeded, "--interval", "3s", "--sink", "stdout"], ({ world }) => match(world.stderrText(), /in 12\.0s/));
});

Deno.test("--catalog is taken as by the other commands, and changes nothing", async () => {
  const given = ["--catalog", "http://127.0.0.1:1", "--sink", "stdout", "--format", "ndjson"];
  await run([...seeded, ...given], ({ status, world }) => {
    strictEqual(status, 0);
    strictEqual(world.stdoutText().trim().split("\n").length, 100);
  });
});

Deno.test("given chances win over --dirty's", async () => {
  const chances = ["--dirty", "--corruption-chance", "0", "--invalid-schema-chance", "1", "--duplicate-chance", "0"];
  await run([...seeded, "--interval", "0", ...chances, "--sink", "x"], ({ world }) => {
    match(world.stdoutText(), /\n {2}event 0, invalid_schema 100, late \d+\n$/);
  });
});

Deno.test("the same seed and start into the same lake is an error that says what to do, and truth stays as it was", async () => {
  await run([...seeded, "--interval", "0", "--truth", "truth.ndjson"], async ({ world, folder }) => {
    const truth = await Deno.readTextFile(join(folder, "truth.ndjson"));
    const again = testWorld({ commands: [produce], cwd: folder });
    strictEqual(await runProgram(["produce", ...seeded, "--interval", "0", "--truth", "truth.ndjson"], again), 1);
    match(
      again.stderrText(),
      /^streamlab: Cannot write raw\/events\/.*: there is a file of that name\n {2}The same --seed.*\n$/,
    );
    strictEqual(await Deno.readTextFile(join(folder, "truth.ndjson")), truth);
    strictEqual(world.stderrText(), "");
  });
});

const refused: [args: string[], message: RegExp][] = [
  [["--rate", "5/s", "--interval", "3s"], /--rate and --interval cannot both set the pace/],
  [["--sink", "stdout", "--json"], /--sink stdout and --json both print/],
  [["--sink", "stdout", "--format", "parquet"], /--sink stdout prints text/],
  [["--sink", "stdout", "--compress", "gzip"], /--sink stdout prints text/],
  [["--batch-size", "0"], /--batch-size: expected a whole number from 1 to 10,000,000, got "0"/],
  [["--users", "0"], /--users: expected a whole number from 1/],
  [["--seed", "4294967296"], /--seed: expected a whole number from 0 to 4294967295, got "4294967296"/],
  [["--seed", "-1"], /--seed/],
  [["--start", "1969-12-31"], /--start: expected a time from 1970 to 2199, got "1969-12-31"/],
  [["--start", "soon"], /--start: expected a date such as/],
  [["--late-chance", "2"], /--late-chance: expected a chance from 0 to 1/],
  [["--format", "jsn"], /--format.*json/],
  [["--sink", "ftp://x"], /--sink: expected local, s3/],
  [["--corruption-chanse", "1"], /--corruption-chance/],
];

for (const [args, message] of refused) {
  Deno.test(`produce ${args.join(" ")} is wrong usage`, async () => {
    await run(["--batches", "1", ...args], ({ status, world }) => {
      strictEqual(status, 2, world.stderrText());
      match(world.stderrText(), message);
      strictEqual(world.stdoutText(), "");
    });
  });
}

Deno.test("produce stopped by a signal finishes with 130", async () => {
  const stop = new AbortController();
  stop.abort();
  await run([], ({ status, world }) => {
    strictEqual(status, 130);
    match(world.stdoutText(), /^Produced 0 files/);
  }, stop.signal);
});

Deno.test("a truth file that cannot be written stops the run before any file", async () => {
  await run([...seeded, "--interval", "0", "--truth", "no/such/folder/truth"], async ({ status, world, folder }) => {
    strictEqual(status, 1);
    match(
      world.stderrText(),
      /^streamlab: Cannot write the truth to ".*no\/such\/folder\/truth": there is no such file/,
    );
    deepStrictEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  });
});

Deno.test("truth is added to; the torn line of a run that was cut short is taken away first", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "truth.ndjson");
    const whole = `${JSON.stringify({ file: "a", padding: "x".repeat(100_000) })}\n`;
    await Deno.writeTextFile(path, `${whole}{"file":"b","records":[${"1,".repeat(100_000)}`);
    const world = testWorld({ commands: [produce], cwd: folder });
    strictEqual(await runProgram(["produce", ...seeded, "--interval", "0", "--truth", path], world), 0);
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => JSON.parse(line) as TruthLine);
    deepStrictEqual(lines.map(({ file }) => file), ["a", ...(await filesOf(join(folder, "lake"))).keys()]);
    await Deno.writeTextFile(path, "torn and nothing before");
    const again = ["produce", "--batches", "1", "--interval", "0", "--truth", path];
    strictEqual(await runProgram(again, testWorld({ commands: [produce], cwd: folder })), 0);
    ok((await Deno.readTextFile(path)).startsWith('{"file":"raw/events/'));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Ctrl-C lets a real process finish its file: status 130, and truth knows every file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const main = new URL("../../main.ts", import.meta.url).pathname;
    const args = ["produce", "--interval", "0", "--batch-size", "2000", "--json", "--truth", "truth.ndjson"];
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--config", config, main, ...args],
      cwd: folder,
      stdout: "piped",
    }).spawn();
    const lines: string[] = [];
    let rest = "";
    for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + piece).split("\n");
      rest = parts.pop()!;
      if (lines.length === 0 && parts.length > 0) child.kill("SIGINT");
      lines.push(...parts);
    }
    strictEqual((await child.status).code, 130);
    const files = await filesOf(join(folder, "lake"));
    const truth = (await Deno.readTextFile(join(folder, "truth.ndjson"))).trimEnd().split("\n");
    const named = (text: string) => (JSON.parse(text) as { file: string }).file;
    deepStrictEqual(truth.map(named), [...files.keys()]);
    deepStrictEqual(lines.map(named), [...files.keys()]);
    for (const bytes of files.values()) strictEqual((JSON.parse(text(bytes)) as unknown[]).length, 2_000);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
