/**
 * Runs the simulations, with more of them than CI has time for where asked: `deno task simulate
 * [--all] [--seeds N] [--kills N] [--more-races MINUTES] [--rest] [--dedupes] [--removes] [--grows]
 * [--replays] [--reingests] [--upserts] [--seed N] [FILE…]`. `--all` walks all pairs of crash
 * points. `--more-races` runs races alone, those that come after the ones that are run without it,
 * for at most so long. `--seed` runs one race again, the one that failed, `--rest` says that it is
 * one in a REST catalog, `--dedupes` one with repeats dropped, `--removes` one with repeats removed
 * later, `--grows` one with columns added, `--replays` one with dead letters replayed,
 * `--reingests` one with files reingested, too, `--upserts` one with upserts; with a file it is the
 * seed of that file's tests.
 */
const names: Record<string, string> = {
  "--seeds": "STREAMLAB_SEEDS",
  "--seed": "STREAMLAB_SEED",
  "--kills": "STREAMLAB_KILLS",
};
/** The races of which there are more. */
const MORE = ["1", "2", "3", "4", "rest_catalog", "deduped", "removed"].map((part) =>
  `tests/simulation/races_${part}_test.ts`
);
const env: Record<string, string> = {};
const flags: string[] = [], files: string[] = [];
let races = ["1", "2", "3", "4"];
const args = [...Deno.args];
for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
  if (arg === "--all") env.STREAMLAB_SIMULATE_ALL = "1";
  else if (arg === "--rest") races = ["rest_catalog"];
  else if (arg === "--dedupes") races = ["deduped"];
  else if (arg === "--removes") races = ["removed"];
  else if (arg === "--grows") races = ["grown"];
  else if (arg === "--upserts") races = ["upserted"];
  else if (arg === "--replays") races = ["replayed"];
  else if (arg === "--reingests") races = ["reingested"];
  else if (arg === "--more-races") {
    env.STREAMLAB_MORE_RACES_UNTIL_MS = String(Date.now() + minutesOf(args.shift()) * 60_000);
    // Side by side, so that each kind has its share of the time.
    env.DENO_JOBS = String(MORE.length);
    files.push("--parallel", ...MORE);
  } else if (arg in names) env[names[arg]!] = args.shift() ?? "";
  else if (arg.startsWith("--")) flags.push(arg);
  else files.push(arg);
}
if (env.STREAMLAB_SEED !== undefined && files.length === 0) {
  env.STREAMLAB_SEEDS ??= "1";
  files.push(...races.map((part) => `tests/simulation/races_${part}_test.ts`));
}
if (files.length === 0) files.push("--parallel", "tests/simulation");

/** Until a moment that is no number one race of each kind would be run: it looks like success. */
function minutesOf(text: string | undefined): number {
  const minutes = Number(text);
  if (Number.isFinite(minutes) && minutes > 0) return minutes;
  const got = text === undefined ? "none" : `"${text}"`;
  const told = `--more-races takes a positive number of minutes, got ${got}\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(told));
  Deno.exit(2);
}

const command = new Deno.Command(Deno.execPath(), {
  args: ["test", "--no-check", "--allow-all", ...flags, ...files],
  env,
});
const { code } = await command.spawn().status;
Deno.exit(code);
