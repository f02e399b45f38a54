import { seededRandom } from "../../core/base/random.ts";
import { pointsOf, type Stage, stagesOf, walk, Workshop } from "./world/crash_walk.ts";
import type { CrashPoint } from "./world/life.ts";
import { say } from "../support/say.ts";
import { scenarios } from "./world/scenarios.ts";

const isAll = Deno.env.get("STREAMLAB_SIMULATE_ALL") === "1";
/** Of a scenario, in CI: more are sampled, the others walked whole. */
const pointsMax = isAll ? Infinity : 400;
const pairsMax = isAll ? Infinity : 60;

interface Place {
  stage: Stage;
  point: CrashPoint;
}

for (const scenario of scenarios) {
  Deno.test(`a crash at any operation loses and doubles nothing: ${scenario.name}`, async () => {
    await Workshop.use(async (workshop) => {
      const places = placesOf(await stagesOf(scenario, workshop));
      const walked = sample(places, pointsMax);
      for (const { stage, point } of walked) await walk(scenario, stage, [point], workshop);
      say(`${scenario.name}: ${walked.length} of ${places.length} crash points walked, all audited clean`);
    });
  });

  Deno.test(`a crash during the recovery from a crash does neither: ${scenario.name}`, async () => {
    await Workshop.use(async (workshop) => {
      const places = placesOf(await stagesOf(scenario, workshop));
      let walked = 0;
      for (const { stage, point } of sample(places, isAll ? Infinity : pairsMax / 4)) {
        const operations = await walk(scenario, stage, [point], workshop);
        for (const second of sample(pointsOf(operations, point.ordinal + 1), isAll ? Infinity : 4)) {
          await walk(scenario, stage, [point, second], workshop);
          walked++;
        }
      }
      say(`${scenario.name}: ${walked} pairs of crash points walked, all audited clean`);
    });
  });
}

for (const scenario of scenarios) {
  Deno.test(`an error from any operation is told as one, and loses and doubles nothing: ${scenario.name}`, async () => {
    await Workshop.use(async (workshop) => {
      const walked = sample(placesOf(await stagesOf(scenario, workshop)), pointsMax / 2);
      for (const { stage, point } of walked) await walk(scenario, stage, [{ ...point, fails: true }], workshop);
      say(`${scenario.name}: ${walked.length} failing operations walked, all audited clean`);
    });
  });
}

function placesOf(stages: Stage[]): Place[] {
  return stages.flatMap((stage) => pointsOf(stage.operations).map((point) => ({ stage, point })));
}

/** At most so many, in their order; the same ones every time. */
function sample<T>(all: readonly T[], max: number): readonly T[] {
  if (all.length <= max) return all;
  const random = seededRandom(all.length);
  const chosen = all.map((_item, index) => ({ index, rank: random.next() })).sort((a, b) => a.rank - b.rank);
  return chosen.slice(0, max).sort((a, b) => a.index - b.index).map(({ index }) => all[index]!);
}
