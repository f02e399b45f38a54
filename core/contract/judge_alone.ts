import type { Contract, ContractValue } from "./contract.ts";

/**
 * The one list of what a faster reader than the judge leaves to it. Whatever is new in contracts
 * stands here until such a reader knows it.
 */

/** Whether the record as a whole has conditions: then every record is the judge's. */
export function judgesRecords(contract: Contract): boolean {
  return contract.schemas.length > 0;
}

/** Whether the judge alone reads the values here; of what is inside them it says nothing. */
export function judgesValues({ type, checks }: ContractValue): boolean {
  return checks.schemas !== undefined || type.kind === "json" || type.kind === "timestamp" ||
    (type.kind === "timestamptz" && type.written !== undefined);
}
