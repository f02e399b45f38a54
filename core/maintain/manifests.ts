import { planManifests, rewriteManifests } from "../iceberg/action/rewrite_manifests.ts";
import type { LoadedTable } from "../iceberg/catalog/catalog.ts";
import { commitTable } from "../iceberg/commit.ts";
import { snapshotOfRef } from "../iceberg/format/table_metadata.ts";
import { withNewest } from "../tables/read/newest.ts";
import type { Surroundings } from "./surroundings.ts";

export interface ManifestsReport {
  before: number;
  after: number;
  /** Of those before, how many were written anew. */
  rewritten: number;
}

/** Rewrites a table's manifests, sorted by partition, if that makes them fewer. */
export async function rewriteTableManifests(
  { catalog, clock, random }: Surroundings,
  table: LoadedTable,
  { dryRun }: { dryRun: boolean },
): Promise<ManifestsReport> {
  if (dryRun) return await withNewest(catalog, table.identifier, plan, table);
  let planned: ManifestsReport = { before: 0, after: 0, rewritten: 0 };
  const result = await commitTable(catalog, table.identifier, async (transaction) => {
    planned = await plan(transaction.base);
    transaction.add(await rewriteManifests(transaction));
  }, { clock, random, base: table });
  const manifests = await result.table.io.readManifestList(snapshotOfRef(result.table.metadata));
  return { ...planned, after: manifests.length };
}

async function plan({ io, metadata }: LoadedTable): Promise<ManifestsReport> {
  const manifests = await io.readManifestList(snapshotOfRef(metadata));
  const { kept, groups } = planManifests(metadata, manifests);
  return {
    before: manifests.length,
    after: kept.length + groups.reduce((sum, { pieces }) => sum + pieces, 0),
    rewritten: manifests.length - kept.length,
  };
}
