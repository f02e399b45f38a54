/**
 * Files that wait to be deleted. A removal is a file `checkpoints/removals/<id>.json`. Whoever
 * expires snapshots writes it before the commit that makes its files useless, and marks it as
 * released after that commit: from then on they wait until no reader can be on those snapshots any
 * more. Files are deleted by this list, without another listing of the table; the record goes after
 * the last of them. Orphan removal keeps what it names.
 *
 * A process can die between any two of these steps. A removal that was never released is looked at
 * later: if its snapshots are gone from the table it is released then, and if they are still there
 * the commit never happened, and the record goes.
 */
import * as z from "zod";
import { mapParallel } from "../base/parallel.ts";
import { type Random, uuidV4 } from "../base/random.ts";
import { deleteMade, deleteOwn, type OwnPlace } from "../storage/deletion.ts";
import type { Store } from "../storage/store.ts";
import { checkRecordPlace, readRecord, type RecordFormat, recordText } from "./durable_record.ts";
import { recordAt, removalPath, REMOVALS_FOLDER } from "./layout.ts";

const removalShape = z.strictObject({
  format: z.literal(1),
  id: z.string(),
  /** `bronze.events` */
  table: z.string(),
  tableUuid: z.string(),
  /** RFC 3339. */
  writtenAt: z.string(),
  /** The snapshots whose expiry makes the files useless, decimal. */
  snapshots: z.array(z.string()),
  /** Whether they are gone from the table; the files wait from this record's last writing on. */
  released: z.boolean(),
  /** URIs, as metadata spells them; delete files are among the data files. */
  dataFiles: z.array(z.string()),
  manifests: z.array(z.string()),
  manifestLists: z.array(z.string()),
  statistics: z.array(z.string()),
  /** Of data files and manifests. */
  bytes: z.number(),
});

export type Removal = z.infer<typeof removalShape>;

export const REMOVAL_FORMAT: RecordFormat<Removal> = {
  what: "removal",
  shapes: [removalShape],
  damagedHint: "Remove it: maintain --remove-orphans finds the files that it named",
};

/** Records read at once. */
const READ_PARALLEL = 16;

const REMOVAL_ID = /^remove-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const REMOVAL_PLACE: OwnPlace = {
  folder: REMOVALS_FOLDER,
  isOwn: (name) => name.endsWith(".json") && REMOVAL_ID.test(name.slice(0, -".json".length)),
};

export function newRemovalId(random: Random): string {
  return `remove-${uuidV4(random)}`;
}

/** How many files wait by it. */
export function filesOfRemoval({ dataFiles, manifests, manifestLists, statistics }: Removal): number {
  return dataFiles.length + manifests.length + manifestLists.length + statistics.length;
}

export async function writeRemoval(store: Store, removal: Removal): Promise<void> {
  await store.write(removalPath(removal.id), new TextEncoder().encode(recordText(removal)));
}

/** By the process that wrote it. */
export async function discardRemoval(store: Store, { id }: Removal): Promise<void> {
  await deleteMade(store, [removalPath(id)], [REMOVAL_PLACE]);
}

/** Those that are done with, whoever wrote them. */
export async function removeRemovals(store: Store, removals: readonly Removal[]): Promise<void> {
  await deleteOwn(store, removals.map(({ id }) => removalPath(id)), [REMOVAL_PLACE]);
}

/** Undefined when it is gone. */
export async function readRemoval(store: Store, id: string): Promise<Removal | undefined> {
  const removal = await readRecord(store, removalPath(id), REMOVAL_FORMAT);
  if (removal !== undefined) checkRecordPlace(REMOVAL_FORMAT, removalPath(id), removal.id, id);
  return removal;
}

/** A removal with the time of its last writing by the store's clock, milliseconds since 1970. */
export interface StandingRemoval {
  removal: Removal;
  modifiedMs: number;
}

/** All but those that `isKnown` says need not be read. */
export async function listRemovals(
  store: Store,
  isKnown: (id: string) => boolean = () => false,
): Promise<StandingRemoval[]> {
  const listed = await Array.fromAsync(store.list(`${REMOVALS_FOLDER}/`));
  const found = await mapParallel(listed, READ_PARALLEL, async ({ path, info }): Promise<StandingRemoval[]> => {
    const record = recordAt(path);
    if (record?.kind !== "removal" || isKnown(record.id)) return [];
    const modifiedMs = (info ?? await store.stat(path))?.modifiedMs;
    const removal = await readRemoval(store, record.id);
    return removal === undefined || modifiedMs === undefined ? [] : [{ removal, modifiedMs }];
  });
  return found.flat();
}
