import { StreamlabError } from "../base/errors.ts";
import { mapParallel } from "../base/parallel.ts";
import type { FileInfo, Store } from "../storage/store.ts";
import { type EventFile, eventFileKind, type EventFormat } from "./event_file.ts";
import type { ClassifiedFiles, KnownFiles } from "./known_files.ts";

const STATS_PARALLEL = 16;

export interface RawZone {
  store: Store;
  /** Paths in the store that start with this are looked at: a folder with its slash. */
  prefix: string;
  /** What comes before a path in the file's name: empty where the store is the lake, else its URI with a slash. */
  nameBase: string;
  format: EventFormat | undefined;
}

export interface Discovery extends ClassifiedFiles {
  /** Files that are there but cannot be read, with the reason. */
  unreadable: { name: string; reason: string }[];
}

export interface DiscoverOptions {
  /** A known name with other content is a new file. */
  changedAsNew: boolean;
  /** Also asks after the versions of known files where a listing does not tell them; new names alone cost less. */
  checksKnown: boolean;
}

/** What is in the raw zone that the ledger does not know, in the order of names. */
export async function discoverFiles(zone: RawZone, known: KnownFiles, options: DiscoverOptions): Promise<Discovery> {
  const listed: { path: string; name: string; info: FileInfo | undefined }[] = [];
  for await (const { path, info } of zone.store.list(zone.prefix)) {
    if (eventFileKind(path.slice(zone.prefix.length), zone.format) === undefined) continue;
    listed.push({ path, name: zone.nameBase + path, info });
  }
  const wanted = options.checksKnown
    ? undefined
    : await known.unknownNames(listed.filter(({ info }) => info === undefined).map(({ name }) => name));
  const candidates = listed.filter(({ name, info }) => info !== undefined || wanted === undefined || wanted.has(name));
  const stats = await mapParallel(
    candidates,
    STATS_PARALLEL,
    async ({ path, name, info }): Promise<EventFile | undefined> => {
      // A file that vanished since the listing is none of ours.
      const found = info ?? await zone.store.stat(path);
      return found === undefined ? undefined : { name, path, etag: found.etag, size: found.size };
    },
  );
  const classified = await known.classify(stats.filter((file) => file !== undefined), options.changedAsNew);
  const unreadable: Discovery["unreadable"] = [];
  const readable = await mapParallel(classified.fresh, STATS_PARALLEL, async (file) => {
    const reason = await whyUnreadable(zone.store, file);
    if (reason !== undefined) unreadable.push({ name: file.name, reason });
    return reason === undefined;
  });
  return { fresh: classified.fresh.filter((_file, index) => readable[index]), changed: classified.changed, unreadable };
}

/** A file that may not be read would stop its whole batch; on a disk that shows at the first byte. */
async function whyUnreadable(store: Store, file: EventFile): Promise<string | undefined> {
  if (store.localPath(file.path) === undefined || file.size === 0) return undefined;
  try {
    await store.readRange(file.path, 0, 1);
    return undefined;
  } catch (error) {
    if (error instanceof StreamlabError && error.kind === "unavailable") return error.message;
    if (error instanceof StreamlabError && error.kind === "not-found") return undefined;
    throw error;
  }
}
