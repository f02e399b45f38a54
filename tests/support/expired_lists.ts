import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { readMetadata } from "../../core/iceberg/catalog/metadata_file.ts";
import { listVersions } from "../../core/iceberg/catalog/metadata_versions.ts";
import type { Store } from "../../core/storage/store.ts";

/**
 * Manifest lists that a version of a table names, its newest one does not, and that are still
 * there. Unlike a file that no commit ever named, these need no look for orphans to go.
 */
export async function expiredLists(store: Store): Promise<string[]> {
  const catalog = new FileCatalog({ store, clock: systemClock, random: seededRandom(9) });
  const expired = new Set<string>();
  for (const namespace of await catalog.listNamespaces()) {
    for (const identifier of await catalog.listTables(namespace)) {
      const { io: { location }, metadata } = (await catalog.loadTable(identifier))!;
      for (const { path } of await listVersions(store, location.folder)) {
        for (const { manifestList } of (await readMetadata(store, path)).snapshots) {
          expired.add(location.pathOf(manifestList!));
        }
      }
      for (const { manifestList } of metadata.snapshots) expired.delete(location.pathOf(manifestList!));
    }
  }
  const there = await Promise.all([...expired].map(async (path) => [path, await store.stat(path)] as const));
  return there.filter(([, info]) => info !== undefined).map(([path]) => path);
}
