import { Race } from "./race.ts";
import { say } from "./report.ts";

const first = Number(Deno.env.get("STREAMLAB_SEED") ?? 1);
const seeds = Number(Deno.env.get("STREAMLAB_SEEDS") ?? 300);

Deno.test("consumers, maintainers, crashes, sleepers and a bad network at once lose and double nothing", async () => {
  const startMs = performance.now();
  let operations = 0, batches = 0, crashes = 0;
  for (let seed = first; seed < first + seeds; seed++) {
    let result;
    try {
      result = await new Race(seed).run();
    } catch (cause) {
      throw new Error(`Race ${seed} broke off; deno task simulate --seed ${seed} runs it again`, { cause });
    }
    operations += result.operations;
    batches += result.batches;
    crashes += result.crashes;
    if (result.problems.length === 0) continue;
    throw new Error(
      `Race ${seed}, to be run again by deno task simulate --seed ${seed}:\n${result.problems.join("\n")}`,
    );
  }
  const rate = Math.round(seeds / (performance.now() - startMs) * 1000);
  say(
    `${seeds} races (${operations} operations, ${batches} batches, ${crashes} crashes), all audited clean; ${rate}/s`,
  );
});
