import { testCrashes } from "./world/scenario_walks.ts";

testCrashes({ part: 2, parts: 4 });
