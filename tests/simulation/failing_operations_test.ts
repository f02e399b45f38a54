import { stagesOf, walk, Workshop } from "./world/crash_walk.ts";
import { say } from "../support/say.ts";
import { PLACES_MAX, placesOf, sample } from "./world/places.ts";
import { scenarios } from "./world/scenarios.ts";

for (const scenario of scenarios) {
  Deno.test(`an error from any operation is told as one, and loses and doubles nothing: ${scenario.name}`, async () => {
    await Workshop.use(async (workshop) => {
      const walked = sample(placesOf(await stagesOf(scenario, workshop)), PLACES_MAX / 2);
      for (const { stage, point } of walked) await walk(scenario, stage, [{ ...point, fails: true }], workshop);
      say(`${scenario.name}: ${walked.length} failing operations walked, all audited clean`);
    });
  });
}
