import { deepStrictEqual } from "node:assert/strict";

const script = new URL("../simulation/simulate.ts", import.meta.url).pathname;

Deno.test("more races without a number of minutes are refused, and none is run", async () => {
  for (const [minutes, told] of [[[], "none"], [["--all"], '"--all"'], [["0"], '"0"'], [["-1"], '"-1"']] as const) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      // Should it not be refused, nothing is run.
      args: ["run", "--no-check", "--allow-all", script, "--no-run", "--more-races", ...minutes],
      env: { NO_COLOR: "1" },
    }).output();
    const said = `--more-races takes a positive number of minutes, got ${told}\n`;
    deepStrictEqual([code, new TextDecoder().decode(stderr)], [2, said]);
  }
});
