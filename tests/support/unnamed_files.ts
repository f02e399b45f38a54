import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { reachableFiles } from "../../core/iceberg/reachable_files.ts";
import type { Store } from "../../core/storage/store.ts";

/**
 * What lies in a lake that neither metadata, nor plans and routed records, nor the raw zone names;
 * but for a disk's lock.
 */
export async function unnamedFiles(store: Store): Promise<string[]> {
  const catalog = new FileCatalog({ store, clock: systemClock, random: seededRandom(9) });
  const named = new Set<string>();
  for (const namespace of await catalog.listNamespaces()) {
    for (const identifier of await catalog.listTables(namespace)) {
      const { io, metadata, metadataLocation } = (await catalog.loadTable(identifier))!;
      const { dataFiles, manifestLists, manifests, others } = await reachableFiles(io, metadata);
      for (const uris of [dataFiles, manifestLists, manifests, others, [metadataLocation]]) {
        for (const uri of uris) named.add(io.location.pathOf(uri));
      }
      named.add(io.location.pathInStore("metadata/version-hint.text"));
    }
  }
  const all = (await Array.fromAsync(store.list(""))).map(({ path }) => path);
  return all.filter((path) =>
    !named.has(path) && !path.startsWith("raw/") &&
    !/^checkpoints\/[^/]+\/(\d+\.(plan|routed|failures)\.json|rules\/\w+\.(rules|batches)\.json|lock)$/.test(path) &&
    !/^checkpoints\/history\/(batches|upkeep)\/[^/]+\.ndjson\.gz$/.test(path)
  );
}
