import { testFailures } from "./world/scenario_walks.ts";

testFailures({ part: 1, parts: 2 });
