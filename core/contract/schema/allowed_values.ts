import { canonicalText, equalValues } from "../../json/equality.ts";
import type { JsonNode } from "../../json/tree.ts";

/** Up to so many values are compared one by one. */
const FEW_MAX = 16;

/**
 * The values of `enum` or `const`. A value that is checked may be large, and stand before hundreds
 * of alternatives with such a keyword each: it is written out only where there are many values.
 */
export class AllowedValues {
  readonly #few: readonly JsonNode[];
  readonly #texts: ReadonlySet<string>;

  constructor(values: readonly JsonNode[]) {
    const isFew = values.length <= FEW_MAX;
    this.#few = isFew ? values : [];
    this.#texts = new Set(isFew ? [] : values.map(canonicalText));
  }

  has(value: JsonNode): boolean {
    if (this.#texts.size > 0) return this.#texts.has(canonicalText(value));
    return this.#few.some((allowed) => equalValues(allowed, value));
  }
}
