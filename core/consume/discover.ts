import { type RawZone, unreachable } from "../lake/raw_zone.ts";
import { isKind, type StreamlabError } from "../base/errors.ts";
import { isUnseen } from "./change_hints.ts";
import { mapParallel } from "../base/parallel.ts";
import type { FileInfo, ListedFile, PassedOver, Store } from "../storage/store.ts";
import { type EventFile, eventFileKind, isNotThereYet, type PassedOverNames } from "../lake/event_file.ts";
import type { OwnFiles } from "./own_files.ts";
import type { ClassifiedFiles, KnownFiles } from "./known_files.ts";

const STATS_PARALLEL = 16;

export interface Discovery extends ClassifiedFiles {
  /** Files that were seen, known ones too. */
  seen: number;
  /** Files that are skipped by name, and the first of them. */
  passedOver: PassedOverNames;
  /** Files that are there but cannot be read, with the reason. */
  unreadable: { name: string; reason: string }[];
  /** Links that lead to each other, and no file. */
  loops: string[];
  /** Whether files of the consumer's own lie in the zone, and were left out. */
  holdsOwn: boolean;
  /** Paths that somebody hinted at, and that could not be looked at. */
  unseen: string[];
}

export interface DiscoverOptions {
  /** A known name with other content is a new file. */
  changedAsNew: boolean;
  /**
   * Also checks the versions of known files if a listing does not have them; without it only new
   * names are found, which costs less.
   */
  checksKnown: boolean;
  /** A listing that was begun before. */
  listing: RawListing | undefined;
  /** It has what somebody hinted at: what cannot be looked at is passed over. */
  isHinted?: boolean;
  own: OwnFiles;
  /** Called with files to ingest while the listing goes on, so that fetching can begin. */
  onFresh?: (files: readonly EventFile[]) => void;
}

/**
 * Size of the first portion of listed files that is compared with the ledger. Portions grow,
 * because each is compared with the whole ledger.
 */
const FIRST_PORTION = 1_000;
/**
 * Listed files that are not yet compared: a listing of any length takes memory only for its new
 * files.
 */
const PORTION_MAX = 65_536;
/** A raw zone's files, as its store lists them, and what that passes over. */
export type RawListing = AsyncIterable<ListedFile | PassedOver>;

/** `after`: paths up to this one are left out. */
export async function* listZone({ store, prefix }: RawZone, after?: string): AsyncGenerator<ListedFile | PassedOver> {
  const passedOver: PassedOver[] = [];
  const onPassedOver = (entry: PassedOver) => void passedOver.push(entry);
  for await (const file of store.list(prefix, after === undefined ? { onPassedOver } : { after, onPassedOver })) {
    yield* passedOver.splice(0);
    yield file;
  }
  yield* passedOver;
}

interface Listed {
  path: string;
  name: string;
  info: FileInfo | undefined;
}

/** The files of the raw zone that the ledger does not know, in the order of names. */
export async function discoverFiles(zone: RawZone, known: KnownFiles, options: DiscoverOptions): Promise<Discovery> {
  const { changedAsNew, onFresh, own } = options;
  const unreached: PassedOver[] = [];
  let holdsOwn = false;
  own.forget();
  const found: ClassifiedFiles = { fresh: [], changed: [] };
  const add = ({ fresh, changed }: ClassifiedFiles) => {
    for (const file of fresh) found.fresh.push(file);
    for (const file of changed) found.changed.push(file);
  };
  let seen = 0;
  const passedOver: Discovery["passedOver"] = { files: 0, example: undefined };
  let listed: Listed[] = [];
  let portion = FIRST_PORTION;
  const unseen: string[] = [], unseeable: Discovery["unreadable"] = [];
  const onFailure = (listed: Listed, error: unknown) => {
    if (options.isHinted && isUnseen(error)) unseen.push(listed.path);
    else if (isUnreadable(zone.store, listed.path, error)) unseeable.push({ name: listed.name, reason: error.message });
    else throw error;
  };
  const compare = async () => {
    const candidates = await candidatesOf(listed, known, options.checksKnown);
    if (candidates.length === 0) return;
    add(await known.classify(await statFiles(zone.store, candidates, onFailure), changedAsNew));
    if (found.fresh.length > 0) onFresh?.(found.fresh);
  };
  for await (const entry of options.listing ?? listZone(zone)) {
    if ("why" in entry) {
      unreached.push(entry);
      continue;
    }
    const { path, info } = entry;
    if (own.holds(path)) {
      holdsOwn = true;
      continue;
    }
    const inZone = path.slice(zone.prefix.length);
    if (eventFileKind(inZone, zone.format) === undefined) {
      if (isNotThereYet(inZone)) continue;
      passedOver.files++;
      passedOver.example ??= inZone;
      continue;
    }
    seen++;
    listed.push({ path, name: zone.nameBase + path, info });
    if (listed.length < portion) continue;
    await compare();
    listed = [];
    portion = Math.min(2 * portion, PORTION_MAX);
  }
  await compare();
  const { fresh, unreadable } = await withoutUnreadable(zone, found);
  const nowhere = withoutPath(zone, unreached);
  unreadable.push(...unseeable, ...nowhere.unreadable);
  return { ...found, fresh, unreadable, seen, passedOver, loops: nowhere.loops, holdsOwn, unseen };
}

/** Entries without a usable path: links in a loop, and files that cannot be read. */
function withoutPath(zone: RawZone, unreached: readonly PassedOver[]): Pick<Discovery, "loops" | "unreadable"> {
  const loops: string[] = [], unreadable: Discovery["unreadable"] = [];
  for (const entry of unreached) {
    const file = unreachable(zone, entry);
    if (entry.why === "links lead to each other") loops.push(zone.nameBase + entry.path);
    else if (file !== undefined) unreadable.push({ name: file.name, reason: file.why });
  }
  return { loops, unreadable };
}

/** Those that may be new or changed: of files without a state, the names that are not known. */
async function candidatesOf(listed: readonly Listed[], known: KnownFiles, checksKnown: boolean): Promise<Listed[]> {
  const names = listed.filter(({ info }) => info === undefined).map(({ name }) => name);
  if (checksKnown || names.length === 0) return [...listed];
  const unknown = await known.unknownNames(names);
  return listed.filter(({ name, info }) => info !== undefined || unknown.has(name));
}

/** `onFailure` gets one that cannot be looked at; it is left out unless that throws. */
async function statFiles(
  store: Store,
  listed: readonly Listed[],
  onFailure: (listed: Listed, error: unknown) => void,
): Promise<EventFile[]> {
  const files = await mapParallel(listed, STATS_PARALLEL, async (each) => {
    const { path, name, info } = each;
    try {
      // A file that vanished since the listing is skipped.
      const found = info ?? await store.stat(path);
      return found && { name, path, etag: found.etag, size: found.size, landedMs: found.modifiedMs };
    } catch (error) {
      onFailure(each, error);
      return undefined;
    }
  });
  return files.filter((file) => file !== undefined);
}

async function withoutUnreadable(
  zone: RawZone,
  { fresh }: ClassifiedFiles,
): Promise<Pick<Discovery, "fresh" | "unreadable">> {
  const unreadable: Discovery["unreadable"] = [];
  const readable = await mapParallel(fresh, STATS_PARALLEL, async (file) => {
    const reason = await whyUnreadable(zone.store, file);
    if (reason !== undefined) unreadable.push({ name: file.name, reason });
    return reason === undefined;
  });
  return { fresh: fresh.filter((_file, index) => readable[index]), unreadable };
}

/** An unreadable file would stop its whole batch. On a disk the first byte shows it. */
async function whyUnreadable(store: Store, file: EventFile): Promise<string | undefined> {
  if (store.localPath(file.path) === undefined || file.size === 0) return undefined;
  try {
    await store.readRange(file.path, 0, 1);
    return undefined;
  } catch (error) {
    if (isUnreadable(store, file.path, error)) return error.message;
    if (isKind(error, "not-found")) return undefined;
    throw error;
  }
}

/** Elsewhere than on a disk it is the service, not the file, that does not answer. */
function isUnreadable(store: Store, path: string, error: unknown): error is StreamlabError {
  return store.localPath(path) !== undefined && isKind(error, "unavailable");
}
