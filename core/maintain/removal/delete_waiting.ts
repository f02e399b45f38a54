import { identifierText, type LoadedTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import type { FileRole } from "../../iceberg/own_files.ts";
import { reachableFiles } from "../../iceberg/reachable_files.ts";
import { type ClaimingPath, Claims } from "../../lake/claims.ts";
import { lastBatchOf } from "../../lake/keys.ts";
import { type Removal, removeRemovals, type StandingRemoval, writeRemoval } from "../../lake/removal.ts";
import { deleteOwn } from "../../storage/deletion.ts";
import { uriKey } from "../../storage/uri.ts";
import { withNewest } from "../../tables/read/newest.ts";
import { settleAbandoned } from "../abandoned_intents.ts";
import type { Surroundings } from "../surroundings.ts";
import { checkGarbage, CleaningGround } from "./cleaning_ground.ts";

export interface WaitingDeletion {
  /** Files that are gone. */
  files: number;
  bytes: number;
  /** Removals that are done with. */
  removals: number;
}

/**
 * Releases removals whose owner has died before it could, now that their snapshots are gone;
 * discards those whose commit never happened. The files of both begin to wait anew, or stay.
 */
export async function settleUnreleased(
  { catalog, store }: Surroundings,
  identifier: TableIdentifier,
  standing: readonly StandingRemoval[],
  isAbandoned: (standing: StandingRemoval) => boolean,
): Promise<void> {
  const table = identifierText(identifier);
  const open = standing.filter((each) => {
    return each.removal.table === table && !each.removal.released && isAbandoned(each);
  });
  if (open.length === 0) return;
  const newest = await catalog.loadTable(identifier);
  const there = new Set(newest?.metadata.snapshots.map(({ snapshotId }) => snapshotId.toString()));
  for (const { removal } of open) {
    const isSame = newest?.metadata.tableUuid === removal.tableUuid;
    if (isSame && !removal.snapshots.some((id) => there.has(id))) {
      await writeRemoval(store, { ...removal, released: true });
    } else await removeRemovals(store, [removal]);
  }
}

/**
 * Deletes the files of removals whose time has come: none that the newest metadata names in any
 * snapshot, and none that a plan, a routed record or a rewrite under way needs. A removal with such
 * a file in it waits on. The files of a table that was made anew under its name are orphan
 * removal's to judge.
 */
export async function deleteWaiting(
  surroundings: Surroundings,
  identifier: TableIdentifier,
  due: readonly Removal[],
): Promise<WaitingDeletion> {
  const { catalog, store } = surroundings;
  const last = await catalog.loadTable(identifier);
  // What a rewrite reads waits for it, but not for one that died: perhaps none comes after it.
  if (last !== undefined) await settleAbandoned(surroundings, last);
  return await withNewest(catalog, identifier, async (table) => {
    checkGarbage(table);
    const ground = await CleaningGround.of(surroundings, table);
    const named = await namedFiles(table);
    const claims = await Claims.read(store, new Set(), needsFiles(table));
    const isOwn = ({ tableUuid }: Removal) => tableUuid === table.metadata.tableUuid;
    const isNeeded = (removal: Removal) => allUris(removal).some((uri) => isClaimed(claims, table, uri));
    const ready = due.filter((removal) => !isOwn(removal) || !isNeeded(removal));
    const own = ready.filter(isOwn);
    const files = await deleteFiles(table, ground, own, named);
    await removeRemovals(store, ready);
    return { files, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0), removals: ready.length };
  });
}

/**
 * What readers of the newest metadata need in any of its snapshots, by the `uriKey` of their paths:
 * a snapshot also lists the files that it deleted, and reads them no more.
 */
async function namedFiles({ io, metadata, metadataLocation }: LoadedTable): Promise<Set<string>> {
  const { dataFiles, manifestLists, manifests, others } = await reachableFiles(io, metadata, { liveOnly: true });
  const uris = [dataFiles, manifestLists, manifests, others, [metadataLocation]].flatMap((each) => [...each]);
  return new Set(uris.flatMap((uri) => io.location.findPath(uri) ?? []).map(uriKey));
}

/**
 * Records of batches that the table has need nothing any more. The removals themselves say only
 * until when files stay.
 */
function needsFiles({ metadata }: LoadedTable): (record: ClaimingPath) => boolean {
  return (record) => {
    if (record.kind === "removal") return false;
    return record.kind === "intent" || record.batchId > lastBatchOf(metadata.properties, record.target);
  };
}

function allUris({ dataFiles, manifests, manifestLists, statistics }: Removal): string[] {
  return [...dataFiles, ...manifests, ...manifestLists, ...statistics];
}

function isClaimed(claims: Claims, { io: { location }, metadata }: LoadedTable, uri: string): boolean {
  const path = location.findPath(uri);
  if (path === undefined) return false;
  return claims.has({ pathInTable: location.pathInTable(path), path, uri }, metadata.properties);
}

/**
 * Data first: while the manifests exist, it can still be found out what was to be deleted. Of all
 * removals at once: each deletion waits until the disk has written down its folder.
 */
async function deleteFiles(
  { io: { location } }: LoadedTable,
  ground: CleaningGround,
  removals: readonly Removal[],
  named: ReadonlySet<string>,
): Promise<number> {
  const roles: [FileRole, (removal: Removal) => readonly string[]][] = [
    ["data", ({ dataFiles }) => dataFiles],
    ["statistics", ({ statistics }) => statistics],
    ["manifest", ({ manifests }) => manifests],
    ["manifest", ({ manifestLists }) => manifestLists],
  ];
  let files = 0;
  for (const [role, urisOf] of roles) {
    const found = removals.flatMap(urisOf).flatMap((uri) => location.findPath(uri) ?? []);
    const paths = [...new Set(found)].filter((path) => !named.has(uriKey(path)));
    if (paths.length === 0) continue;
    files += (await deleteOwn(location.store, paths, ground.places(role))).deleted.length;
  }
  return files;
}
