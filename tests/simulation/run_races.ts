import { Race } from "./race.ts";
import { say } from "./report.ts";

/** Seeds that are run unless the environment says otherwise, over all files of races. */
const seedsDefault = 10_000;
const wanted = Number(Deno.env.get("STREAMLAB_SEEDS") ?? seedsDefault);
const first = Number(Deno.env.get("STREAMLAB_SEED") ?? 1);

/** Runs one part of all seeds; test files run side by side, so there is one for each part. */
export async function runRaces(part: number, parts: number): Promise<void> {
  const startMs = performance.now();
  let races = 0, operations = 0, batches = 0, crashes = 0;
  for (let seed = first + part; seed < first + wanted; seed += parts) {
    let result;
    try {
      result = await new Race(seed).run();
    } catch (cause) {
      throw new Error(`Race ${seed} broke off; deno task simulate --seed ${seed} runs it again`, { cause });
    }
    races++;
    operations += result.operations;
    batches += result.batches;
    crashes += result.crashes;
    if (result.problems.length === 0) continue;
    throw new Error(
      `Race ${seed}, to be run again by deno task simulate --seed ${seed}:\n${result.problems.join("\n")}`,
    );
  }
  const rate = Math.round(races / (performance.now() - startMs) * 1000);
  say(
    `${races} races (${operations} operations, ${batches} batches, ${crashes} crashes), all audited clean; ${rate}/s`,
  );
}
