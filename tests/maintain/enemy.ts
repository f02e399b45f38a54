/** What an enemy can do to a lake: files of others beside it, links in it, metadata by hand. */
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import type { TableMetadata } from "../../core/iceberg/format/table_metadata.ts";
import { tableMetadataFromText, tableMetadataToText } from "../../core/iceberg/table_metadata_json.ts";
import { MaintainWorld } from "./maintain_world.ts";

/** Of `bronze.events`. */
export const FOLDER = "warehouse/bronze/events";
export const ALL = "SELECT * FROM bronze.events";
const DAY_MS = 86_400_000;
/** Orphan removal that waits for nothing. */
export const NOW = { olderThanMs: 0, dryRun: false };
/** Expiry that keeps the last snapshot alone. */
export const EXPIRY = { olderThanMs: 0, retainLast: 1, dryRun: false };

/** Writes a file in the lake, ten days ago. */
export async function litter(world: MaintainWorld, path: string): Promise<void> {
  await world.lake.store.write(path, new TextEncoder().encode("precious"));
  await age(`${world.lake.folder}/${path}`);
}

export async function age(file: string): Promise<void> {
  const then = new Date(Date.now() - 10 * DAY_MS);
  await Deno.utime(file, then, then);
}

/** Writes a stranger's file beside the lake, ten days ago, and returns its path. */
export async function stranger(folder: string, name: string): Promise<string> {
  const path = `${folder}/${name}`;
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, "precious");
  await age(path);
  return path;
}

export async function withStranger(action: (world: MaintainWorld, folder: string) => Promise<void>): Promise<void> {
  await MaintainWorld.use(async (world) => {
    const folder = await Deno.makeTempDir({ prefix: "streamlab-stranger-" });
    try {
      await action(world, folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** Writes the next version of the table's metadata as an enemy would: by hand. */
export async function forge(
  world: MaintainWorld,
  change: (metadata: TableMetadata) => TableMetadata,
): Promise<LoadedTable> {
  const { metadata, metadataLocation } = await world.load();
  const version = Number(/v(\d+)\.metadata/.exec(metadataLocation)![1]) + 1;
  const text = tableMetadataToText(change(metadata));
  tableMetadataFromText(text, "forged");
  await world.lake.store.write(`${FOLDER}/metadata/v${version}.metadata.json`, new TextEncoder().encode(text));
  return await world.load();
}
