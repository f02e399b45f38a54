/**
 * Runs the simulations, with more of them than CI has time for where asked: `deno task simulate
 * [--all] [--seeds N] [--kills N] [--rest] [--seed N]`. `--all` walks all pairs of crash points;
 * `--seed` runs one race again, the one that failed, `--rest` says that it is one in a REST
 * catalog.
 */
const names: Record<string, string> = {
  "--seeds": "STREAMLAB_SEEDS",
  "--seed": "STREAMLAB_SEED",
  "--kills": "STREAMLAB_KILLS",
};
const env: Record<string, string> = {};
const rest: string[] = [];
let isRest = false;
const args = [...Deno.args];
for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
  if (arg === "--all") env.STREAMLAB_SIMULATE_ALL = "1";
  else if (arg === "--rest") isRest = true;
  else if (arg in names) env[names[arg]!] = args.shift() ?? "";
  else rest.push(arg);
}
if (env.STREAMLAB_SEED !== undefined) {
  env.STREAMLAB_SEEDS ??= "1";
  const parts = isRest ? ["rest"] : ["first", "second"];
  rest.push(...parts.map((part) => `tests/simulation/races_${part}_test.ts`));
}
const tests = rest.length > 0 ? rest : ["--parallel", "tests/simulation", "tests/iceberg/concurrent_writers_test.ts"];
const command = new Deno.Command(Deno.execPath(), { args: ["test", "--no-check", "--allow-all", ...tests], env });
const { code } = await command.spawn().status;
Deno.exit(code);
