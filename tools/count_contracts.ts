// deno-lint-ignore-file no-console
/**
 * Counts how many schemas of a folder load as contracts, of those that describe objects: public
 * collections (SchemaStore, Snowplow's Iglu) are too large to be kept here.
 *
 *     deno run --allow-read tools/count_contracts.ts FOLDER... [--refused]
 */
import { isKind, messageOf } from "../core/base/errors.ts";
import { contractFolder } from "../commands/contract_folder.ts";
import { parseContractDocument } from "../core/contract/json_schema.ts";

interface Counts {
  schemas: number;
  objects: number;
  /** Refused because they refer to other files. */
  leadOut: number;
  loaded: number;
  /** The files that were refused, by the message. */
  refused: Map<string, string>;
}

function count(folder: string): Counts {
  const counts: Counts = { schemas: 0, objects: 0, leadOut: 0, loaded: 0, refused: new Map() };
  for (const path of filesOf(folder)) {
    const text = Deno.readTextFileSync(path);
    const document = parsed(text);
    if (!isSchema(document)) continue;
    counts.schemas++;
    if (!describesObject(document, document, 0)) continue;
    counts.objects++;
    try {
      parseContractDocument(text, { folder: contractFolder(path) });
      counts.loaded++;
    } catch (error) {
      if (!isKind(error, "usage")) throw error;
      if (messageOf(error).includes("leads out of this file")) counts.leadOut++;
      counts.refused.set(path.slice(folder.length), messageOf(error));
    }
  }
  return counts;
}

function* filesOf(folder: string): Generator<string> {
  const entries = [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory } of entries) {
    if (isDirectory) yield* filesOf(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

type Document = Record<string, unknown>;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Registries hold other things beside schemas: Avro, lists, samples. */
function isSchema(document: unknown): document is Document {
  return typeof document === "object" && document !== null && !Array.isArray(document) &&
    ("$schema" in document || describesObject(document as Document, document as Document, 0));
}

const DEPTH_MAX = 20;

/**
 * Whether the values of a schema are objects with fields: by its type, or by what it refers to or
 * consists of; of alternatives, all.
 */
function describesObject(schema: Document, root: Document, depth: number): boolean {
  if (depth > DEPTH_MAX) return false;
  const types = [schema.type].flat();
  if (schema.type !== undefined && types.some((type) => type !== "object" && type !== "null")) return false;
  if (Object.keys(schema.properties ?? {}).length > 0) return true;
  const isObject = (item: unknown) =>
    typeof item === "object" && item !== null && describesObject(item as Document, root, depth + 1);
  if (typeof schema.$ref === "string" && isObject(follow(schema.$ref, root))) return true;
  if (Array.isArray(schema.allOf) && schema.allOf.some(isObject)) return true;
  return [schema.anyOf, schema.oneOf].some((list) => Array.isArray(list) && list.length > 0 && list.every(isObject));
}

function follow(reference: string, root: Document): unknown {
  if (!reference.startsWith("#")) return undefined;
  let node: unknown = root;
  for (const step of reference.slice(1).split("/").slice(1)) {
    if (typeof node !== "object" || node === null) return undefined;
    node = (node as Document)[decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return node;
}

const flags = new Set(Deno.args.filter((arg) => arg.startsWith("--")));
const folders = Deno.args.filter((arg) => !arg.startsWith("--"));
for (const folder of folders) {
  const counts = count(folder);
  const { schemas, objects, leadOut, loaded, refused } = counts;
  const share = objects === 0 ? "" : ` (${(loaded / objects * 100).toFixed(1)} %)`;
  console.log(`${folder}: ${schemas} schemas, ${objects} describe objects, ${loaded} of these load${share}`);
  console.log(`  ${leadOut} refer to other files; ${objects - loaded - leadOut} are refused for other reasons`);
  if (flags.has("--refused")) { for (const [file, message] of refused) console.log(`  ${file}: ${message}`); }
}
