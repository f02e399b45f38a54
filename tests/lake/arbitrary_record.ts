import type { z } from "zod";
import type { Random } from "../../core/base/random.ts";

/** A record that a shape allows, and every free text in it by its place: `events.files[].path`. */
export interface ArbitraryRecord {
  record: Record<string, unknown>;
  texts: { place: string; text: string }[];
}

/**
 * Made from the shape itself, so that a field that is new in it is filled, too. A free text is the
 * path of a file, and unlike all others.
 */
export function arbitraryRecord(shape: z.ZodType, random: Random): ArbitraryRecord {
  const texts: ArbitraryRecord["texts"] = [];
  const below = (limit: number) => Math.floor(random.next() * limit);
  const make = (each: z.core.$ZodType, place: string): unknown => {
    const { def } = (each as z.core.$ZodTypes)._zod;
    switch (def.type) {
      case "object":
        return Object.fromEntries(
          Object.entries(def.shape).map((
            [name, field],
          ) => [name, make(field, place === "" ? name : `${place}.${name}`)])
            .filter(([, value]) => value !== undefined),
        );
      case "array":
        return Array.from({ length: below(4) }, () => make(def.element, `${place}[]`));
      case "string": {
        if ((def.checks ?? []).length > 0) return String(below(1e6));
        const text = `data/part=${below(3)}/${texts.length}-${below(1e9)}.parquet`;
        texts.push({ place, text });
        return text;
      }
      case "number":
        return 1 + below(1e6);
      case "boolean":
        return below(2) === 1;
      case "enum":
        return Object.values(def.entries)[below(Object.values(def.entries).length)];
      case "literal":
        return def.values[0];
      case "optional":
        return below(2) === 0 ? undefined : make(def.innerType, place);
      case "union":
        return make(def.options[below(def.options.length)]!, place);
      case "nullable":
        return below(2) === 0 ? null : make(def.innerType, place);
      case "unknown":
        return {};
      default:
        throw new Error(`${place} is of a type that is not made here: ${def.type}`);
    }
  };
  return { record: make(shape, "") as Record<string, unknown>, texts };
}
