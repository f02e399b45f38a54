import { deepStrictEqual } from "node:assert/strict";
import { parseContract } from "../../core/contract/json_schema.ts";
import fc from "../support/property.ts";
import { isThorough } from "../support/thorough.ts";
import { anyContract, conditionedContract } from "./arbitrary_contract.ts";

Deno.test("the text of any contract gives that contract again", () => {
  fc.assert(
    fc.property(fc.oneof(anyContract, conditionedContract), (contract) => {
      deepStrictEqual(parseContract(contract.text), contract);
    }),
    { numRuns: isThorough ? 20_000 : 500 },
  );
});
