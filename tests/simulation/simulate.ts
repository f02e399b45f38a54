/**
 * Runs the simulations, with more of them than CI has time for where asked: `deno task simulate [--all] [--seeds N] [--kills N] [--seed N]`.
 * `--all` walks all pairs of crash points; `--seed` runs one race again, the one that failed.
 */
const names: Record<string, string> = {
  "--seeds": "STREAMLAB_SEEDS",
  "--seed": "STREAMLAB_SEED",
  "--kills": "STREAMLAB_KILLS",
};
const env: Record<string, string> = {};
const rest: string[] = [];
const args = [...Deno.args];
for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
  if (arg === "--all") env.STREAMLAB_SIMULATE_ALL = "1";
  else if (arg in names) env[names[arg]!] = args.shift() ?? "";
  else rest.push(arg);
}
if (env.STREAMLAB_SEED !== undefined) {
  env.STREAMLAB_SEEDS ??= "1";
  rest.push("tests/simulation/races_first_test.ts", "tests/simulation/races_second_test.ts");
}
const tests = rest.length > 0 ? rest : ["--parallel", "tests/simulation", "tests/iceberg/concurrent_writers_test.ts"];
const command = new Deno.Command(Deno.execPath(), { args: ["test", "--no-check", "--allow-all", ...tests], env });
const { code } = await command.spawn().status;
Deno.exit(code);
