import { mapParallel } from "../../base/parallel.ts";
import { realPathOf } from "../../disk/removal.ts";
import { isKind, StreamlabError } from "../../base/errors.ts";
import { identifierText, type LoadedTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { readMetadata } from "../../iceberg/catalog/metadata_file.ts";
import { type FileRole, namedFolders, ownPlaces } from "../../iceberg/own_files.ts";
import { storeUri } from "../../iceberg/table_location.ts";
import { ARCHIVE_FOLDER, CHECKPOINTS_FOLDER, EVENTS_FOLDER } from "../../lake/layout.ts";
import type { OwnPlace } from "../../storage/deletion.ts";
import { isWithin, normalizeUri, uriKey } from "../../storage/uri.ts";
import type { Surroundings } from "../surroundings.ts";

/** Tables asked for at once. */
const LOADED_PARALLEL = 8;

/** Places of the lake that belong to no table, whatever a catalog says. */
const LAKE_FOLDERS = [EVENTS_FOLDER, ARCHIVE_FOLDER, CHECKPOINTS_FOLDER];

/** Iceberg's own property: with `false` nobody deletes files of the table but its owner. */
const GC_ENABLED = "gc.enabled";

/** Fails with `conflict` where the table's owner has said that its files stay. */
export function checkGarbage({ identifier, metadata }: LoadedTable): void {
  if (metadata.properties[GC_ENABLED] !== "false") return;
  throw new StreamlabError(
    "conflict",
    `Cannot delete files of ${identifierText(identifier)}: its property ${GC_ENABLED} is false`,
    { hint: `Its files may belong to another table as well; where they don't, set ${GC_ENABLED} to true` },
  );
}

/**
 * Where files of a table may be deleted: its location, and folders that its properties name. Fails
 * with `conflict` if the location contains another's place, or lies in one. A folder that
 * properties name and others use is only left out.
 */
export class CleaningGround {
  readonly #table: LoadedTable;
  readonly #properties: Readonly<Record<string, string>>;

  private constructor(table: LoadedTable, properties: Readonly<Record<string, string>>) {
    this.#table = table;
    this.#properties = properties;
  }

  static async of(surroundings: Surroundings, table: LoadedTable): Promise<CleaningGround> {
    const { io: { location }, metadata } = table;
    const here = placeKey(storeUri(location.store, location.folder));
    const others = await placesOfOthers(surroundings, table);
    for (const { key, whose } of others) {
      if (!isWithin(here, key) && !isWithin(key, here)) continue;
      throw new StreamlabError(
        "conflict",
        `Cannot delete files of ${identifierText(table.identifier)}: its place ${location.recorded} ${
          here === key ? "is that of" : isWithin(here, key) ? "lies in that of" : "holds that of"
        } ${whose}`,
        { hint: "Nothing was deleted, because the files could belong to either. Give each table its own place" },
      );
    }
    if (location.store !== surroundings.store) await checkMetadataIsThere(table);
    const isShared = (uri: string) =>
      others.some(({ key }) => isWithin(placeKey(uri), key) || isWithin(key, placeKey(uri)));
    const properties = Object.entries(metadata.properties)
      .filter(([, value]) => !namedFolders(metadata.properties).includes(value) || !isShared(value));
    return new CleaningGround(table, Object.fromEntries(properties));
  }

  places(...roles: FileRole[]): OwnPlace[] {
    return ownPlaces(this.#table.io.location, this.#properties, roles);
  }
}

interface Place {
  /** By `placeKey`. */
  key: string;
  /** For people. */
  whose: string;
}

/** As `uriKey`, and on this disk where links lead. */
function placeKey(uri: string): string {
  const normal = normalizeUri(uri);
  return uriKey(normal.startsWith("/") ? realPathOf(normal) : normal);
}

/** Folders in which files lie that are not the table's. */
async function placesOfOthers(surroundings: Surroundings, table: LoadedTable): Promise<Place[]> {
  const name = identifierText(table.identifier);
  return (await placesOfAll(surroundings)).filter(({ whose }) => whose !== name);
}

/** Loading a thousand tables again for each of them would take an hour. */
const KNOWN_MS_MAX = 60_000;
const knownPlaces = new WeakMap<Surroundings, { readMs: number; places: Promise<Place[]> }>();

function placesOfAll(surroundings: Surroundings): Promise<Place[]> {
  const nowMs = surroundings.clock.nowMs();
  const known = knownPlaces.get(surroundings);
  if (known !== undefined && nowMs - known.readMs < KNOWN_MS_MAX) return known.places;
  const places = readPlaces(surroundings);
  knownPlaces.set(surroundings, { readMs: nowMs, places });
  places.catch(() => knownPlaces.delete(surroundings));
  return places;
}

async function readPlaces({ catalog, store }: Surroundings): Promise<Place[]> {
  const lake = LAKE_FOLDERS.map((folder): Place => ({
    key: placeKey(storeUri(store, folder)),
    whose: `the lake's ${folder}/`,
  }));
  const tables: TableIdentifier[] = [];
  for (const namespace of await catalog.listNamespaces()) tables.push(...await catalog.listTables(namespace));
  const places = await mapParallel(tables, LOADED_PARALLEL, async (identifier): Promise<Place[]> => {
    const uris = await catalog.placesOf(identifier);
    return uris.map((uri) => ({ key: placeKey(uri), whose: identifierText(identifier) }));
  });
  return [...lake, ...places.flat()];
}

/**
 * A catalog may claim any folder of this disk for a table. It is believed only if the metadata file
 * that it shows is there.
 */
async function checkMetadataIsThere({ identifier, metadata, metadataLocation, io: { location } }: LoadedTable) {
  const places = ownPlaces(location, metadata.properties, ["version"]);
  const path = location.findPath(metadataLocation);
  let why = `its metadata ${metadataLocation} lies elsewhere`;
  if (path !== undefined && places.some(({ folder }) => path.startsWith(`${folder}/`))) {
    try {
      const found = await readMetadata(location.store, path);
      const isSame = found.tableUuid === metadata.tableUuid && found.currentSnapshotId === metadata.currentSnapshotId;
      if (isSame) return;
      why = `its metadata there, ${metadataLocation}, is another`;
    } catch (error) {
      if (!isKind(error, "not-found")) throw error;
      why = `its metadata ${metadataLocation} is not there`;
    }
  }
  throw new StreamlabError(
    "conflict",
    `Cannot delete files of ${
      identifierText(identifier)
    }: the catalog says that it is at ${location.recorded}, but ${why}`,
    { hint: "Nothing was deleted; ask the administrator of the catalog" },
  );
}
