// deno-lint-ignore-file no-console
/**
 * `deno task demo`: the whole way in under a minute, in a lake of its own that stays to be looked
 * at: `lake/demo`, or with `--sink s3` a new prefix in the bucket `lake` of the MinIO that `deno
 * task minio` or compose.yaml starts. With `--serve` it ends in a server of that lake.
 */
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { sink: { type: "string", default: "lake/demo" }, serve: { type: "boolean", default: false } },
});
const isLocal = values.sink !== "s3" && !values.sink.startsWith("s3://");
const lake = values.sink === "s3" ? `s3://lake/demo-${crypto.randomUUID().slice(0, 8)}` : values.sink;
const scratch = await Deno.makeTempDir({ prefix: "streamlab-demo-" });
const truth = `${scratch}/truth.ndjson`;
const main = new URL("../main.ts", import.meta.url).pathname;
const isColored = Deno.stdout.isTerminal() && !Deno.noColor;
const startedMs = performance.now();

if (isLocal) {
  await Deno.mkdir(lake, { recursive: true });
  await Deno.remove(lake, { recursive: true });
}

say(
  "Event files of a shop land in a folder or a bucket. Some are broken on purpose, and what was done to them is written down.",
);
await produce(60, 7);

say("Ingest them: every record goes to one of two Apache Iceberg tables, exactly once.");
await streamlab("consume", "--source", lake, "--once");

say("What landed where?");
await query(`select 'bronze.events' as table, 'event' as reason, count(*) as records from bronze.events
  union all select 'dead_letters.events', _dead_letter_reason, count(*) from dead_letters.events group by all
  order by records desc`);

say("Why? A dead letter keeps the record's exact text, where it stood, and what was wrong with it.");
await query(`select _dead_letter_reason as reason, any_value(_dead_letter_detail) as detail, count(*) as letters
  from dead_letters.events where _source_position is not null
  group by _dead_letter_reason, regexp_replace(_dead_letter_detail, '/[^ ,:]*', '', 'g') order by letters desc limit 8`);

say("More files come, and the consumer is killed in the middle of its work (kill -9). The next run goes on.");
await produce(20, 8);
await killInTheMiddle(["consume", "--source", lake, "--once", "--max-files-per-batch", "4"]);
await streamlab("consume", "--source", lake, "--once");
await compareWithTruth();

say("What do people do in this shop?");
await query(`select event_type, count(*) as events, bar(count(*), 0, max(count(*)) over (), 40) as chart
  from bronze.events group by event_type order by events desc`);

say("Upkeep: many small files become few, old snapshots go, nothing is lost.");
await streamlab(
  "maintain",
  "--source",
  lake,
  "--compact",
  "--expire-snapshots",
  "--older-than",
  "0s",
  "--retain-last",
  "1",
);
await compareWithTruth();

await Deno.remove(scratch, { recursive: true });
const seconds = Math.round((performance.now() - startedMs) / 1_000);
say(
  `That took ${seconds} seconds. The tables are plain Iceberg in ${lake}/warehouse: any engine reads them. Try next:`,
);
console.log(`  deno task streamlab query --source ${lake}             ask more, in a prompt
  deno task streamlab maintain --source ${lake} --status  how the tables are
  deno task streamlab produce --sink ${lake} --dirty      let events come in, and in another terminal:
  deno task streamlab consume --source ${lake}            ingest them as they come
  deno task streamlab serve --source ${lake}             look at it in a browser
  deno task streamlab --help                              what else there is`);
if (values.serve) {
  say("Look at it in a browser, until Ctrl-C:");
  show(["serve", "--source", lake]);
  // Ctrl-C reaches the server, too, which then ends by itself.
  Deno.addSignalListener("SIGINT", () => undefined);
  await command(["serve", "--source", lake], "inherit").spawn().status;
}

async function produce(batches: number, seed: number): Promise<void> {
  const size = ["--batches", String(batches), "--batch-size", "500", "--interval", "0", "--dirty"];
  const when = ["--seed", String(seed), "--start", "2026-03-01"];
  await streamlab("produce", "--sink", lake, ...size, ...when, "--truth", truth);
}

async function query(sql: string): Promise<void> {
  await streamlab("query", "--source", lake, "--format", "table", sql);
}

async function streamlab(...args: string[]): Promise<void> {
  show(args);
  const { success } = await command(args, "inherit").spawn().status;
  if (!success) Deno.exit(1);
}

/**
 * Kills the program as soon as it has committed something, which another look at the ledger cannot
 * miss.
 */
async function killInTheMiddle(args: string[]): Promise<void> {
  show(args);
  const child = command([...args, "--json"], "piped").spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGKILL");
  reader.releaseLock();
  await Promise.all([child.status, child.stdout.cancel()]);
  console.log("Killed after its first batch");
}

/** The tables, kind by kind, against what `produce --truth` wrote. */
async function compareWithTruth(): Promise<void> {
  const sql = `select 'event' as kind, count(*)::int as n from bronze.events
    union all select _dead_letter_reason, count(*)::int from dead_letters.events group by all`;
  const { stdout } = await command(["query", "--source", lake, "--format", "json", sql], "piped").output();
  const rows = JSON.parse(new TextDecoder().decode(stdout)) as { kind: string; n: number }[];
  const found = new Map(rows.map(({ kind, n }) => [kind, n]));
  const expected = new Map<string, number>();
  for (const line of (await Deno.readTextFile(truth)).trim().split("\n")) {
    const { counts } = JSON.parse(line) as { counts: Record<string, number> };
    for (const [kind, n] of Object.entries(counts)) expected.set(kind, (expected.get(kind) ?? 0) + n);
  }
  const wrong = [...expected].filter(([kind, n]) => (found.get(kind) ?? 0) !== n);
  if (wrong.length > 0) throw new Error(`the tables differ from the truth: ${JSON.stringify(wrong)}`);
  const text = [...expected].filter(([, n]) => n > 0).map(([kind, n]) => `${kind} ${n.toLocaleString("en-US")}`).join(
    ", ",
  );
  console.log(`The tables hold exactly what the truth says: ${text}`);
}

function command(args: string[], stdout: "inherit" | "piped"): Deno.Command {
  const all = ["run", "--no-check", "--allow-all", main, ...args];
  return new Deno.Command(Deno.execPath(), { args: all, stdout, stderr: "inherit", stdin: "null" });
}

function show(args: string[]): void {
  const words = args.map((arg) => /^[\w./:-]+$/.test(arg) ? arg : `"${arg}"`);
  console.log(style(`$ streamlab ${words.join(" ")}`, "2"));
}

function say(text: string): void {
  console.log(`\n${style(text, "1")}\n`);
}

function style(text: string, code: string): string {
  return isColored ? `\x1b[${code}m${text}\x1b[0m` : text;
}
