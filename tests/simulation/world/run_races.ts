import { Race, type RaceOptions } from "./race.ts";
import { say } from "../../support/say.ts";

/**
 * How many seeds a run takes unless the environment says otherwise, and how many with those that it
 * takes where there is time for more: in the lake's own files, over all their parts; in a REST
 * catalog; with repeats dropped; with repeats removed later; with columns added; with dead letters
 * replayed; with files reingested, too; and with upserts. Of the 35 faults that are built in for
 * tests (mutations_test.ts) each shows by race 238, half by race 4; a rarer one has its chance as
 * others are tried with each change of the core.
 */
const seedsDefault = {
  files: { first: 1_200, all: 6_000 },
  rest: { first: 300, all: 1_200 },
  deduped: { first: 200, all: 600 },
  removed: { first: 200, all: 400 },
  grown: { first: 100, all: 100 },
  replayed: { first: 12, all: 12 },
  reingested: { first: 12, all: 12 },
  upserted: { first: 100, all: 100 },
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
const runSeed = Number(Deno.env.get("STREAMLAB_SEED") ?? 1);
/** Set where the first ones have run: more until then, in milliseconds since 1970. */
const moreUntilMs = Deno.env.get("STREAMLAB_MORE_RACES_UNTIL_MS");

/** Runs one part of all seeds; test files run side by side, so there is one for each part. */
export async function runRaces(
  options: Pick<RaceOptions, "isRest" | "dedupes" | "removes" | "grows" | "replays" | "reingests" | "upserts"> & {
    part: number;
    parts: number;
  },
): Promise<void> {
  const { part, parts, ...kind } = options;
  const { from, to } = seedsOf(nameOf(kind));
  const startMs = performance.now();
  let races = 0, operations = 0, batches = 0, crashes = 0;
  for (let seed = runSeed + from + part; seed < runSeed + to && (races === 0 || mayBegin()); seed += parts) {
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

/** Which seeds, counted from the run's own. */
function seedsOf(kind: keyof typeof seedsDefault): { from: number; to: number } {
  const { first, all } = seedsDefault[kind];
  if (moreUntilMs !== undefined) return { from: first, to: all };
  return { from: 0, to: Number(wanted ?? first) };
}

function mayBegin(): boolean {
  return moreUntilMs === undefined || Date.now() < Number(moreUntilMs);
}

function nameOf(
  { isRest, dedupes, removes, grows, replays, reingests, upserts }: RaceOptions,
): keyof typeof seedsDefault {
  if (upserts) return "upserted";
  if (reingests) return "reingested";
  return replays ? "replayed" : grows ? "grown" : isRest ? "rest" : dedupes ? "deduped" : removes ? "removed" : "files";
}
