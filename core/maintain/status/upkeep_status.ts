import { mapParallel } from "../../base/parallel.ts";
import { identifierText, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { passOver, planScan } from "../../iceberg/scan/scan.ts";
import { snapshotOfRef } from "../../iceberg/format/table_metadata.ts";
import { listRemovals } from "../../lake/removal.ts";
import { withNewest } from "../../tables/read/newest.ts";
import type { Surroundings } from "../surroundings.ts";
import { debtOf, type TableDebt } from "../upkeep/debt.ts";
import type { UpkeepPolicy } from "../upkeep/policy.ts";
import { summaryOf } from "../upkeep/waiting_removal.ts";

export interface UpkeepStatus {
  table: string;
  debt: TableDebt;
}

const TABLES_PARALLEL = 4;

/** What upkeep would find to do for each table now. Changes nothing. */
export async function upkeepStatus(
  surroundings: Surroundings,
  identifiers: readonly TableIdentifier[],
  policy: UpkeepPolicy,
): Promise<UpkeepStatus[]> {
  const { catalog, store, clock } = surroundings;
  const waiting = (await listRemovals(store)).map(summaryOf);
  return await mapParallel(identifiers, TABLES_PARALLEL, async (identifier) => {
    const table = identifierText(identifier);
    const debt = await withNewest(catalog, identifier, async ({ io, metadata }) => {
      // Told of as damage of the table.
      const onUnreadable = () => {};
      const { files } = await planScan(io, metadata, { onUnreadable });
      const manifests = await io.readManifestList(snapshotOfRef(metadata)).catch((error) =>
        passOver(error, onUnreadable)
      );
      const own = waiting.filter((each) => each.table === table);
      return debtOf({ metadata, files, manifests: manifests.length, waiting: own }, policy, clock.nowMs());
    });
    return { table, debt };
  });
}
