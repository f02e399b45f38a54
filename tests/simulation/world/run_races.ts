import { Race, type RaceOptions } from "./race.ts";
import { say } from "../../support/say.ts";

/**
 * Seeds that are run unless the environment says otherwise: in the lake's own files, over all their
 * parts; in a REST catalog; with repeats dropped; with repeats removed later; with columns added;
 * with dead letters replayed; with files reingested, too; and with upserts.
 */
const seedsDefault = {
  files: 6_000,
  rest: 1_200,
  deduped: 600,
  removed: 400,
  grown: 100,
  replayed: 12,
  reingested: 12,
  upserted: 100,
};
const FLAGS = {
  files: "",
  rest: " --rest",
  deduped: " --dedupes",
  removed: " --removes",
  grown: " --grows",
  replayed: " --replays",
  reingested: " --reingests",
  upserted: " --upserts",
};
const wanted = Deno.env.get("STREAMLAB_SEEDS");
const first = Number(Deno.env.get("STREAMLAB_SEED") ?? 1);

/** Runs one part of all seeds; test files run side by side, so there is one for each part. */
export async function runRaces(
  options: Pick<RaceOptions, "isRest" | "dedupes" | "removes" | "grows" | "replays" | "reingests" | "upserts"> & {
    part: number;
    parts: number;
  },
): Promise<void> {
  const { part, parts, ...kind } = options;
  const seeds = Number(wanted ?? seedsDefault[nameOf(kind)]);
  const startMs = performance.now();
  let races = 0, operations = 0, batches = 0, crashes = 0;
  for (let seed = first + part; seed < first + seeds; seed += parts) {
    const again = `deno task simulate${FLAGS[nameOf(kind)]} --seed ${seed}`;
    let result;
    try {
      result = await new Race(seed, kind).run();
    } catch (cause) {
      throw new Error(`Race ${seed} broke off; ${again} runs it again`, { cause });
    }
    races++;
    operations += result.operations;
    batches += result.batches;
    crashes += result.crashes;
    if (result.problems.length === 0) continue;
    throw new Error(`Race ${seed}, to be run again by ${again}:\n${result.problems.join("\n")}`);
  }
  const rate = Math.round(races / (performance.now() - startMs) * 1000);
  say(
    `${races} races (${operations} operations, ${batches} batches, ${crashes} crashes), all audited clean; ${rate}/s`,
  );
}

function nameOf(
  { isRest, dedupes, removes, grows, replays, reingests, upserts }: RaceOptions,
): keyof typeof seedsDefault {
  if (upserts) return "upserted";
  if (reingests) return "reingested";
  return replays ? "replayed" : grows ? "grown" : isRest ? "rest" : dedupes ? "deduped" : removes ? "removed" : "files";
}
