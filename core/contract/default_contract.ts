import * as z from "zod";
import type { Contract } from "./contract.ts";
import { parseContract } from "./json_schema.ts";

/** The contract without `--contract`. A number or boolean in `properties` becomes text. */
const eventSchema = z.strictObject({
  user_id: z.string(),
  event_id: z.string(),
  event_type: z.string(),
  event_timestamp: z.iso.datetime({ offset: true }),
  product_id: z.string().optional(),
  properties: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

let contract: Contract | undefined;

/** The contract of `eventSchema`. */
export function defaultContract(): Contract {
  return contract ??= parseContract(JSON.stringify({ title: "event", ...eventJsonSchema() }));
}

/** Without zod's pattern for date-times: it refuses `t` and `z`, which RFC 3339 allows. */
function eventJsonSchema(): object {
  return z.toJSONSchema(eventSchema, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    },
  });
}
