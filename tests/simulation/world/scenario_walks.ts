import { say } from "../../support/say.ts";
import { pointsOf, stagesOf, walk, Workshop } from "./crash_walk.ts";
import { isAll, PLACES_MAX, placesOf, sample } from "./places.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

/** A share of the scenarios: test files run side by side, so there is one for each part. */
interface Part {
  part: number;
  parts: number;
}

const firstCrashes = isAll ? Infinity : 15, secondCrashes = isAll ? Infinity : 4;

/** Tests that a crash at any operation, and another one during the recovery from it, do no harm. */
export function testCrashes(share: Part): void {
  for (const scenario of scenariosOf(share)) {
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
        for (const { stage, point } of sample(places, firstCrashes)) {
          const operations = await walk(scenario, stage, [point], workshop);
          for (const second of sample(pointsOf(operations, point.ordinal + 1), secondCrashes)) {
            await walk(scenario, stage, [point, second], workshop);
            walked++;
          }
        }
        say(`${scenario.name}: ${walked} pairs of crash points walked, all audited clean`);
      });
    });
  }
}

/** Tests that an error of the store from any operation does no harm, either. */
export function testFailures(share: Part): void {
  for (const scenario of scenariosOf(share)) {
    Deno.test(`an error from any operation is told as one, and loses and doubles nothing: ${scenario.name}`, async () => {
      await Workshop.use(async (workshop) => {
        const walked = sample(placesOf(await stagesOf(scenario, workshop)), PLACES_MAX / 2);
        for (const { stage, point } of walked) await walk(scenario, stage, [{ ...point, fails: true }], workshop);
        say(`${scenario.name}: ${walked.length} failing operations walked, all audited clean`);
      });
    });
  }
}

/** Neighbours in the list are alike, and so take alike: each part has its share of them. */
function scenariosOf({ part, parts }: Part): Scenario[] {
  return scenarios.filter((_scenario, index) => index % parts === part);
}
