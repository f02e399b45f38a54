import { testCrashes } from "./world/scenario_walks.ts";

testCrashes({ part: 0, parts: 4 });
