import { testCrashes } from "./world/scenario_walks.ts";

testCrashes({ part: 3, parts: 4 });
