/**
 * A rewrite announces itself first. An intent is a file `checkpoints/intents/<id>.json` that names
 * the inputs, and the new files by their unique stem. It is written before the first new file and
 * removed after the commit. Orphan removal keeps the files that an intent names.
 *
 * An abandoned intent is fenced without a clock: it is marked, then a commit is made to the table,
 * and only then its unused files are removed. The owner reads its intent again for each attempt of
 * its commit, after that attempt's base. There are three cases. It sees the mark and stops. Or its
 * base is older than the fencing commit, and its commit fails. Or it had committed before, and the
 * metadata after the fence names its files.
 */
import * as z from "zod";
import type { TableLocation } from "../iceberg/table_location.ts";
import { deleteMade, judgeOwn, type OwnPlace } from "../storage/deletion.ts";
import type { Store } from "../storage/store.ts";
import { checkRecordPlace, readRecord, type RecordFormat, recordText } from "./durable_record.ts";
import { isRewriteStem, rewriteFilesBegin } from "./data_file_name.ts";
import { intentPath, INTENTS_FOLDER, recordAt } from "./layout.ts";

const firstShape = z.strictObject({
  format: z.literal(1),
  kind: z.literal("compaction"),
  id: z.string(),
  /** `bronze.events` */
  table: z.string(),
  tableUuid: z.string(),
  /** RFC 3339. */
  startedAt: z.string(),
  /** What the paths of all new files in the table's store begin with. */
  stem: z.string(),
  /** URIs of the files to be replaced. */
  inputs: z.array(z.string()),
  /** Whether its owner must no longer commit. */
  fenced: z.boolean(),
});

const intentShape = firstShape.extend({
  format: z.literal(2),
  /** Without a sign of life for this long it counts as abandoned. */
  patienceMs: z.number(),
});

export type Intent = z.infer<typeof intentShape>;

/** Of a rewrite by hand, which may take hours. */
export const PATIENCE_MS = 24 * 3_600_000;

export const INTENT_FORMAT: RecordFormat<Intent> = {
  what: "intent",
  shapes: [firstShape.transform((intent) => ({ ...intent, format: 2 as const, patienceMs: PATIENCE_MS })), intentShape],
  damagedHint: "Remove it only when no maintenance runs anywhere",
};

/** Where intents are, and how they are called. */
const INTENT_PLACE: OwnPlace = {
  folder: INTENTS_FOLDER,
  isOwn: (name) => name.endsWith(".json") && isRewriteStem(name.slice(0, -".json".length)),
};

/** A folder of a partition, as `partitionFolder` spells it. */
const PARTITION_FOLDER = /^[\w.!~*'()%-]*=[\w.!~*'()%-]*$/;

/** What the paths of a rewrite's new files begin with, in the table's store. */
export function rewrittenBegin(location: TableLocation, partitionFolder: string, id: string): string {
  return location.pathInStore(`data/${partitionFolder}${partitionFolder === "" ? "" : "/"}${rewriteFilesBegin(id)}`);
}

/**
 * Whether compaction can have written the intent, for this table. Anyone can put a file there, and
 * files that begin with its stem are deleted once it counts as abandoned.
 */
export async function isCompactionOf(store: Store, location: TableLocation, intent: Intent): Promise<boolean> {
  const { id, stem } = intent;
  const data = location.pathInStore("data/");
  if (!stem.startsWith(data) || !isRewriteStem(id)) return false;
  const folders = stem.slice(data.length).split("/");
  if (folders.pop() !== rewriteFilesBegin(id)) return false;
  if (!folders.every((folder) => PARTITION_FOLDER.test(folder))) return false;
  return (await judgeOwn(store, [intentPath(id)], [INTENT_PLACE])).deleted.length === 1;
}

export async function writeIntent(store: Store, intent: Intent): Promise<void> {
  await store.write(intentPath(intent.id), new TextEncoder().encode(recordText(intent)));
}

export async function removeIntent(store: Store, intent: Intent): Promise<void> {
  await deleteMade(store, [intentPath(intent.id)], [INTENT_PLACE]);
}

/** Whether the owner may still commit. */
export async function intentStands(store: Store, intent: Intent): Promise<boolean> {
  const found = await readIntent(store, intent.id);
  return found !== undefined && !found.fenced;
}

/** An intent with the time of its last writing by the store's clock, milliseconds since 1970. */
export interface StandingIntent {
  intent: Intent;
  modifiedMs: number;
}

export async function listIntents(store: Store): Promise<StandingIntent[]> {
  const standing: StandingIntent[] = [];
  for await (const { path, info } of store.list(`${INTENTS_FOLDER}/`)) {
    const record = recordAt(path);
    if (record?.kind !== "intent") continue;
    const modifiedMs = (info ?? await store.stat(path))?.modifiedMs;
    const intent = await readIntent(store, record.id);
    if (intent !== undefined && modifiedMs !== undefined) standing.push({ intent, modifiedMs });
  }
  return standing;
}

/**
 * Undefined when it is gone. Fails for anything but an intent, so that nothing is removed without
 * knowing it.
 */
export async function readIntent(store: Store, id: string): Promise<Intent | undefined> {
  const intent = await readRecord(store, intentPath(id), INTENT_FORMAT);
  if (intent !== undefined) checkRecordPlace(INTENT_FORMAT, intentPath(id), intent.id, id);
  return intent;
}
