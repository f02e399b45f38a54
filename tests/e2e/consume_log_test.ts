import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { inFolder, killQuietly, startStreamlab, streamlab, succeed } from "./program.ts";

const FILES = ["produce", "--batches", "3", "--batch-size", "5", "--interval", "0"];

/** Lines of an output as they come. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

/** The lines up to the one that matches, and that. */
async function upTo(lines: AsyncGenerator<string>, pattern: RegExp): Promise<string[]> {
  const seen: string[] = [];
  for (let next = await lines.next(); !next.done; next = await lines.next()) {
    seen.push(next.value);
    if (pattern.test(next.value)) return seen;
  }
  throw new Error(`${pattern} did not come in ${JSON.stringify(seen)}`);
}

/** A consumer that watches, until it has ingested what was there. */
async function watching(
  args: string[],
  action: (run: { folder: string; child: Deno.ChildProcess; err: AsyncGenerator<string> }) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    await succeed(folder, FILES);
    const child = startStreamlab(folder, ["consume", ...args]);
    try {
      await child.stdin.close();
      await action({ folder, child, err: linesOf(child.stderr) });
    } finally {
      killQuietly(child);
      await child.status;
    }
  });
}

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;

for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 0]] as const) {
  Deno.test(`off a terminal each line has time and table, and ${signal} is a clean end with status ${status}`, () =>
    watching([], async ({ folder, child, err }) => {
      const [first] = await upTo(err, /Watching/);
      match(first!, new RegExp(`^${TIME} bronze\\.events Watching .*${folder}/lake/raw/events/ for bronze\\.events; `));
      const out = linesOf(child.stdout);
      const [batch] = await upTo(out, /batch 1/);
      match(batch!, new RegExp(`^${TIME} bronze\\.events batch 1: 3 files .* → 15 events, 0 dead letters in `));
      child.kill(signal);
      strictEqual((await child.status).code, status);
      await Promise.all([out.return(undefined), err.return(undefined)]);
    }));
}

Deno.test("with --json every object carries time and table, notes are objects on standard error", () =>
  watching(["--json"], async ({ child, err }) => {
    const [watch] = (await upTo(err, /Watching/)).map((line) => JSON.parse(line));
    deepStrictEqual([watch.action, watch.table], ["note", "bronze.events"]);
    const out = linesOf(child.stdout);
    const [batch] = (await upTo(out, /"batch"/)).map((line) => JSON.parse(line));
    deepStrictEqual([batch.action, batch.table, batch.events], ["batch", "bronze.events", 15]);
    for (const { time } of [watch, batch]) ok(Math.abs(Date.parse(time) - Date.now()) < 600_000, time);
    child.kill("SIGTERM");
    strictEqual((await child.status).code, 0);
    await Promise.all([out.return(undefined), err.return(undefined)]);
  }));

Deno.test("--log-format json says what is no result as objects, --log-format text wins over --json", () =>
  inFolder(async (folder) => {
    await succeed(folder, FILES);
    const mixed = await streamlab(folder, ["consume", "--once", "--log-format", "json", "--max-files-per-batch", "1"]);
    strictEqual(mixed.stdout.trim().split("\n").filter((line) => / batch \d: 1 file /.test(line)).length, 3);
    const notes = mixed.stderr.trim().split("\n").map((line) => JSON.parse(line));
    match(notes.at(-1).text, /^3 batches, 3 files: 15 events/);
    const text = await streamlab(folder, ["consume", "--once", "--json", "--log-format", "text", "--contract", "none"]);
    match(text.stderr, /^streamlab: Cannot read the contract none/);
  }));

Deno.test("with --json an error is one object on standard error, whatever it is about", () =>
  inFolder(async (folder) => {
    await succeed(folder, FILES);
    await succeed(folder, ["consume", "--once"]);
    for (
      const [args, status, kind, words] of [
        [["query", "select nope from bronze.events"], 2, "usage", /nope/],
        [["consume", "--source", "nowhere"], 1, "not-found", /There is no folder/],
        [["consume", "--nonsense"], 2, "usage", /--nonsense/],
      ] as const
    ) {
      const outcome = await streamlab(folder, [...args, "--json"]);
      strictEqual(outcome.status, status);
      strictEqual(outcome.stdout, "");
      const error = JSON.parse(outcome.stderr);
      deepStrictEqual([error.action, error.kind, typeof error.time], ["error", kind, "string"]);
      match(error.message, words);
    }
  }));
