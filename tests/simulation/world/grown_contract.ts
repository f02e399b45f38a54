import { parseContract } from "../../../core/contract/json_schema.ts";
import { defaultContract } from "../../../core/contract/default_contract.ts";
import type { Contract } from "../../../core/contract/contract.ts";

/** The column that the contract gets. */
export const COUPON = "coupon";

/** The default contract with one more optional column. */
export function withCoupon(): Contract {
  const json = JSON.parse(defaultContract().text);
  json.properties[COUPON] = { type: "string" };
  return parseContract(JSON.stringify(json));
}
