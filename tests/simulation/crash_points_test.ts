import { pointsOf, stagesOf, walk, Workshop } from "./world/crash_walk.ts";
import { say } from "../support/say.ts";
import { isAll, PLACES_MAX, placesOf, sample } from "./world/places.ts";
import { scenarios } from "./world/scenarios.ts";

const pairsMax = isAll ? Infinity : 60;

for (const scenario of scenarios) {
  Deno.test(`a crash at any operation loses and doubles nothing: ${scenario.name}`, async () => {
    await Workshop.use(async (workshop) => {
      const places = placesOf(await stagesOf(scenario, workshop));
      const walked = sample(places, PLACES_MAX);
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
