import { testCrashes } from "./world/scenario_walks.ts";

testCrashes({ part: 1, parts: 4 });
