import type { Random } from "../../core/base/random.ts";

/** What an enemy would like to see deleted, in the words of records: paths, URIs, stems, ids. */
export function hostileTexts(lake: string, stranger: string): string[] {
  const places = ["", "raw/", "checkpoints/", "warehouse/lab/other/data/", "warehouse/lab/other", "../stranger/"];
  const files = ["raw/events/a.json", "warehouse/lab/other/metadata/v1.metadata.json", "raw/events/a.parquet"];
  const paths = [...places, ...files];
  return [
    ...paths,
    ...paths.map((path) => `file://${lake}/${path}`),
    ...paths.map((path) => `data/../../../../${path}`),
    `file:${stranger}/data/x.parquet`,
    `${stranger}/metadata/v1.metadata.json`,
    "bronze.events",
    "lab.other",
    "..",
    "compact-00000000-0000-4000-8000-000000000001",
    "warehouse/bronze/events/",
    "\0",
    "",
  ];
}

type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)]!;
}

/** Changes a few places of a JSON text, or its bytes. */
export function mutate(text: string, random: Random, hostile: readonly string[]): string {
  if (random.next() < 0.1) return text.slice(0, Math.floor(random.next() * text.length));
  let json: JsonValue;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch {
    return pick(random, hostile);
  }
  const rounds = 1 + Math.floor(random.next() * 4);
  for (let round = 0; round < rounds; round++) json = change(json, random, hostile);
  return JSON.stringify(json);
}

function change(json: JsonValue, random: Random, hostile: readonly string[]): JsonValue {
  if (typeof json !== "object" || json === null || random.next() < 0.05) return otherValue(json, random, hostile);
  const keys = Object.keys(json);
  if (keys.length === 0) return otherValue(json, random, hostile);
  const key = pick(random, keys), copy = structuredClone(json) as { [key: string]: JsonValue };
  const deed = random.next();
  if (deed < 0.08) delete copy[key];
  else if (deed < 0.12) copy[`${key}x`] = copy[key]!;
  else if (deed < 0.16) copy[key] = copy[pick(random, keys)]!;
  else copy[key] = change(copy[key]!, random, hostile);
  return Array.isArray(json) ? Object.values(copy) : copy;
}

function otherValue(json: JsonValue, random: Random, hostile: readonly string[]): JsonValue {
  if (typeof json === "string" && random.next() < 0.85) return pick(random, hostile);
  return pick<JsonValue>(random, [null, true, -1, 0, 2 ** 53, 1e300, "", [], {}, [null], pick(random, hostile)]);
}

export function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyTree(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}
