import { type Random, seededRandom } from "../core/base/random.ts";

/** Structs in lists, maps, decimals, and checks. */
export const DEEP_CONTRACT = {
  type: "object",
  required: ["order_id", "at", "status", "lines"],
  properties: {
    order_id: { type: "string", format: "uuid" },
    at: { type: "string", format: "date-time" },
    status: { enum: ["new", "paid", "sent"], type: "string" },
    due: { type: "string", format: "date" },
    customer: {
      type: "object",
      required: ["name"],
      properties: {
        name: { type: "string", minLength: 1, maxLength: 40 },
        score: { type: "number", minimum: 0, maximum: 1 },
        address: { type: "object", properties: { city: { type: "string" }, zip: { type: "string" } } },
      },
    },
    lines: {
      type: "array",
      items: {
        type: "object",
        required: ["sku", "amount", "count"],
        properties: {
          sku: { type: "string", pattern: "^[A-Z]{3}-[0-9]{4}$" },
          amount: { type: "number", multipleOf: 0.01, minimum: -99999999.99, maximum: 99999999.99 },
          count: { type: "integer", minimum: 1, maximum: 1000 },
          tags: { type: "array", items: { type: "string" } },
        },
      },
    },
    labels: { type: "object", additionalProperties: { type: "string" } },
    paid: { type: "boolean" },
  },
} as const;

/** The same as DuckDB has it. */
export const DEEP_COLUMNS: Readonly<Record<string, string>> = {
  order_id: "UUID",
  at: "TIMESTAMPTZ",
  status: "VARCHAR",
  due: "DATE",
  customer: "STRUCT(name VARCHAR, score DOUBLE, address STRUCT(city VARCHAR, zip VARCHAR))",
  lines: "STRUCT(sku VARCHAR, amount DECIMAL(10, 2), count BIGINT, tags VARCHAR[])[]",
  labels: "MAP(VARCHAR, VARCHAR)",
  paid: "BOOLEAN",
};

/** Writes files of one array each; a fiftieth of the records breaks a check. */
export async function writeDeepEvents(folder: string, files: number, eventsPerFile: number): Promise<string[]> {
  const random = seededRandom(1);
  await Deno.mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (let file = 0; file < files; file++) {
    const records = Array.from({ length: eventsPerFile }, () => JSON.stringify(deepEvent(random)));
    const path = `${folder}/${String(file).padStart(6, "0")}.json`;
    await Deno.writeTextFile(path, `[${records.join(",\n")}]\n`);
    paths.push(path);
  }
  return paths;
}

function deepEvent(random: Random): unknown {
  const whole = (max: number) => Math.floor(random.next() * max);
  const lines = Array.from({ length: 1 + whole(4) }, () => ({
    sku: `${"ABCDEFGH"[whole(8)]}XY-${1_000 + whole(500)}`,
    amount: whole(1_000_000) / 100,
    count: random.next() < 0.02 ? 0 : 1 + whole(9),
    tags: ["new", "sale", "gift"].slice(whole(4)),
  }));
  return {
    order_id: `${random.bytes(4).toHex()}-${random.bytes(2).toHex()}-4000-8000-${random.bytes(6).toHex()}`,
    at: new Date(Date.UTC(2026, 2, 1) + whole(86_400_000)).toISOString(),
    status: ["new", "paid", "sent"][whole(3)],
    due: `2026-04-${10 + whole(20)}`,
    customer: { name: `Customer ${whole(5_000)}`, score: random.next(), address: { city: `City ${whole(200)}` } },
    lines,
    labels: { channel: `c${whole(5)}`, [`k${whole(20)}`]: `v${whole(1_000)}` },
    paid: whole(2) === 1,
  };
}
