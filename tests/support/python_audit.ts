import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { type Catalog, identifierText } from "../../core/iceberg/catalog/catalog.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { identifiersOf } from "../../core/lake/table_names.ts";
import type { Store } from "../../core/storage/store.ts";
import { findPython } from "./python.ts";

/** A lake whose raw files were made with `--truth truth.ndjson` in `folder`. */
export interface AuditedLake {
  folder: string;
  store: Store;
  /** Default: the lake's own files. */
  catalog?: Catalog;
  /** How PyIceberg gets there. */
  properties: Record<string, string>;
}

/** What another engine has done to the table of events. */
export interface Foreign {
  written: string[];
  deleted: string[];
}

interface PythonAudit {
  files: number;
  events: number;
  dead_letters: number;
  problems: string[];
}

/** Of a bucket, from the variables that the commands get. */
export function bucketProperties(env: Readonly<Record<string, string>>): Record<string, string> {
  return {
    "s3.endpoint": env.AWS_ENDPOINT_URL!,
    "s3.region": env.AWS_REGION!,
    "s3.access-key-id": env.AWS_ACCESS_KEY_ID!,
    "s3.secret-access-key": env.AWS_SECRET_ACCESS_KEY!,
  };
}

/** PyIceberg's word on a lake, record by record against the truth. */
export async function auditByPython(
  { folder, store, properties, catalog = new FileCatalog({ store, clock: systemClock, random: seededRandom(1) }) }:
    AuditedLake,
  foreign: Foreign = { written: [], deleted: [] },
): Promise<PythonAudit> {
  const metadata: Record<string, string> = {};
  for (const identifier of Object.values(identifiersOf({ namespace: ["bronze"], name: "events" }))) {
    metadata[identifierText(identifier)] = (await catalog.loadTable(identifier))!.metadataLocation;
  }
  const raw: string[] = [];
  for await (const { path } of store.list("raw/events/")) raw.push(path);
  const spec = { truth: `${folder}/truth.ndjson`, raw, metadata, properties, foreign };
  await Deno.writeTextFile(`${folder}/spec.json`, JSON.stringify(spec));
  const python = await findPython();
  return await python.json<PythonAudit>("audit_lake.py", `${folder}/spec.json`);
}
