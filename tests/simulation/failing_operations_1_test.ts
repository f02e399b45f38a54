import { testFailures } from "./world/scenario_walks.ts";

testFailures({ part: 0, parts: 2 });
