import type { Contract, ContractField, ContractValue } from "./contract.ts";

/**
 * The one list of what a faster reader than the judge leaves to it. Whatever is new in contracts
 * stands here until such a reader knows it.
 */

/** Whether the record has conditions or loose fields of its own: then every one is the judge's. */
export function judgesRecords({ schemas, fields }: Contract): boolean {
  return schemas.length > 0 || fields.some(isLoose);
}

/** Whether the judge alone reads the values here; of what is inside them it says nothing. */
export function judgesValues({ type, checks }: ContractValue): boolean {
  return checks.schemas !== undefined || type.kind === "json" || type.kind === "timestamp" ||
    (type.kind === "timestamptz" && type.written !== undefined) ||
    (type.kind === "struct" && type.fields.some(isLoose));
}

function isLoose({ loose }: ContractField): boolean {
  return loose === true;
}
