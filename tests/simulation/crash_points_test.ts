import { say } from "./report.ts";
import { pointsOf, stagesOf, walk, Workshop } from "./crash_walk.ts";
import { scenarios } from "./scenarios.ts";

for (const scenario of scenarios) {
  Deno.test(`a crash at any operation loses and doubles nothing: ${scenario.name}`, async () => {
    await Workshop.use(async (workshop) => {
      let points = 0;
      for (const stage of await stagesOf(scenario, workshop)) {
        for (const point of pointsOf(stage.operations)) {
          await walk(scenario, stage, [point], workshop);
          points++;
        }
      }
      say(`${scenario.name}: ${points} crash points, all audited clean`);
    });
  });
}
