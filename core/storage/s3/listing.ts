import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { early } from "../../base/parallel.ts";
import { comparePaths } from "../path.ts";
import type { S3Connection } from "./connection.ts";
import { ForeignAnswerError, isThrottled, isTransient } from "./fault.ts";
import type { FileInfo, UnfinishedWrite } from "../store.ts";

interface PageRequest {
  prefix: string;
  after?: string | undefined;
  /** Where the page before this one ended. */
  token?: string | undefined;
  /** Rolls all keys of a folder up to its name. */
  byFolder?: boolean;
}

/** `path` is the whole key here. */
interface ListedObject extends FileInfo {
  /** The key is not UTF-8, which S3 does not allow: no request can name it. */
  isBroken?: boolean;
}

interface Page {
  objects: ListedObject[];
  /** With `byFolder`: names with the slash at their end. */
  folders: string[];
  /** Undefined after the last page. */
  next: string | undefined;
}

/**
 * With fewer folders than this in the first page, they are large enough to be listed separately.
 */
const LARGE_FOLDERS_MAX = 4;

/** Sorts after every key of a folder. */
const LAST_CHARACTER = "\u{10ffff}";

/**
 * All objects below `prefix` in the order of their keys, without those up to `after`. The next page
 * is fetched while the caller works on one. If the first page shows that there are more and that
 * folders are large, several folders are listed at once.
 */
export async function* listObjects(
  connection: S3Connection,
  prefix: string,
  after: string | undefined,
): AsyncGenerator<ListedObject> {
  const order = new PageOrder(connection, prefix, after);
  const first = order.check(await listPage(connection, { prefix, after }));
  yield* first.objects;
  if (first.next === undefined) return;
  const { path: last, isBroken } = first.objects.at(-1) ?? {};
  // A page may be empty and not the last one: where many objects were deleted, versions of them are
  // passed over. And no request can begin after a broken name.
  if (last === undefined || isBroken) return yield* listOn(connection, { prefix, after }, first.next, order);
  const level = prefix.lastIndexOf("/") + 1;
  const slash = last.indexOf("/", level);
  const folders = new Set(first.objects.map(({ path }) => path.slice(0, path.indexOf("/", level) + 1)));
  if (slash < 0 || folders.size >= LARGE_FOLDERS_MAX) {
    yield* listOn(connection, { prefix, after }, first.next, order);
  } else {
    const folder = last.slice(0, slash + 1);
    yield* startListing(connection, { prefix: folder, after: last });
    yield* listFolders(connection, prefix, folder);
  }
}

/** What lies below `prefix` beyond `folder`; up to `parallelMax` folders are under way at once. */
async function* listFolders(connection: S3Connection, prefix: string, folder: string): AsyncGenerator<ListedObject> {
  const underWay: AsyncIterable<ListedObject>[] = [];
  const order = new PageOrder(connection, prefix, undefined);
  let page: Page | undefined;
  do {
    const after = folder + LAST_CHARACTER;
    page = order.check(await listPage(connection, { prefix, after, token: page?.next, byFolder: true }));
    const found = [...page.folders.filter((name) => name !== folder), ...page.objects];
    for (const entry of found.sort((a, b) => comparePaths(nameOf(a), nameOf(b)))) {
      underWay.push(typeof entry === "string" ? startListing(connection, { prefix: entry }) : only(entry));
      if (underWay.length >= connection.limits.parallelMax) yield* underWay.shift()!;
    }
  } while (page.next !== undefined);
  for (const listing of underWay) yield* listing;
}

const nameOf = (entry: ListedObject | string): string => typeof entry === "string" ? entry : entry.path;

async function* only(entry: ListedObject): AsyncGenerator<ListedObject> {
  yield await Promise.resolve(entry);
}

/** Sends the first request at once, before anybody asks for a name. */
function startListing(connection: S3Connection, request: PageRequest): AsyncIterable<ListedObject> {
  const first = early(listPage(connection, request));
  return (async function* () {
    const order = new PageOrder(connection, request.prefix, request.after);
    const { objects, next } = order.check(await first);
    yield* objects;
    if (next !== undefined) yield* listOn(connection, request, next, order);
  })();
}

async function* listOn(
  connection: S3Connection,
  request: PageRequest,
  next: string,
  order: PageOrder,
): AsyncGenerator<ListedObject> {
  const ask = (token: string | undefined) =>
    token === undefined ? undefined : early(listPage(connection, { ...request, token }));
  for (let coming = ask(next); coming !== undefined;) {
    const page = order.check(await coming);
    coming = ask(page.next);
    yield* page.objects;
  }
}

/** Pages without a name, in a row: objects that were deleted make some. */
const PAGES_EMPTY_MAX = 1_000;

/**
 * Checks that a listing advances: names ascend from page to page, and a page does not lead to
 * itself. Otherwise a faulty service could make it endless.
 */
class PageOrder {
  readonly #connection: S3Connection;
  readonly #prefix: string;
  #last: string | undefined;
  #token: string | undefined;
  #pagesEmpty = 0;

  constructor(connection: S3Connection, prefix: string, after: string | undefined) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#last = after;
  }

  check(page: Page): Page {
    // Of a broken name nobody knows the place in the order.
    const names = [page.objects.filter(({ isBroken }) => !isBroken).map(({ path }) => path), page.folders];
    const firsts = names.flatMap((list) => list.slice(0, 1)), lasts = names.flatMap((list) => list.slice(-1));
    const isAgain = this.#last !== undefined && firsts.some((name) => comparePaths(name, this.#last!) <= 0);
    this.#pagesEmpty = firsts.length === 0 ? this.#pagesEmpty + 1 : 0;
    const isStuck = page.next !== undefined && page.next === this.#token;
    if (isAgain || isStuck || this.#pagesEmpty > PAGES_EMPTY_MAX) {
      throw this.#connection.error("list", this.#prefix, new ForeignAnswerError("end"));
    }
    this.#token = page.next;
    this.#last = lasts.sort(comparePaths).at(-1) ?? this.#last;
    return page;
  }
}

async function listPage(connection: S3Connection, request: PageRequest): Promise<Page> {
  const { prefix, after, token, byFolder } = request;
  const command = {
    Bucket: connection.bucket,
    Prefix: prefix,
    MaxKeys: connection.limits.pageKeys,
    // XML cannot express some characters that keys may have.
    EncodingType: "url" as const,
    StartAfter: after,
    ContinuationToken: token,
    Delimiter: byFolder ? "/" : undefined,
  };
  const output = await connection.call({
    action: "list",
    key: prefix,
    isRepeatable: true,
    run: async (client, abortSignal) => {
      const output = await client.send(new ListObjectsV2Command(command), { abortSignal });
      if (output.Name === undefined) throw new ForeignAnswerError("bucket name");
      // Taken for the last page, it would end the listing early.
      if (output.IsTruncated && !output.NextContinuationToken) throw new ForeignAnswerError("continuation token");
      return output;
    },
  });
  const objects: ListedObject[] = (output.Contents ?? []).map(({ Key, Size, ETag, LastModified }) => ({
    ...decodeKey(Key ?? ""),
    size: Size ?? 0,
    etag: bareEtag(ETag),
    modifiedMs: wholeSeconds(LastModified),
  }));
  const folders = [];
  for (const { Prefix } of output.CommonPrefixes ?? []) {
    const { path, isBroken } = decodeKey(Prefix ?? "");
    // Nothing below it can be asked for.
    if (isBroken) objects.push({ path, isBroken, size: 0, etag: "", modifiedMs: 0 });
    else folders.push(path);
  }
  return { objects, folders, next: output.IsTruncated ? output.NextContinuationToken : undefined };
}

/**
 * Unfinished uploads. MinIO lists only those whose whole key is the prefix, and aborts old ones
 * itself.
 */
export async function* listUploads(connection: S3Connection, prefix: string): AsyncGenerator<UnfinishedWrite> {
  let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {};
  do {
    const command = { Bucket: connection.bucket, Prefix: prefix, EncodingType: "url" as const, ...marker };
    const output = await connection.call({
      action: "list the unfinished uploads of",
      key: prefix,
      isRepeatable: true,
      run: (client, abortSignal) => client.send(new ListMultipartUploadsCommand(command), { abortSignal }),
    });
    for (const { Key, UploadId, Initiated } of output.Uploads ?? []) {
      yield { path: decodeKey(Key ?? "").path, startedMs: wholeSeconds(Initiated), uploadId: UploadId ?? "" };
    }
    const { NextKeyMarker, NextUploadIdMarker } = output;
    const isStuck = output.IsTruncated && NextKeyMarker !== undefined &&
      decodeKey(NextKeyMarker).path === marker.KeyMarker && NextUploadIdMarker === marker.UploadIdMarker;
    if (isStuck) throw connection.error("list the unfinished uploads of", prefix, new ForeignAnswerError("end"));
    marker = output.IsTruncated && NextKeyMarker !== undefined
      ? { KeyMarker: decodeKey(NextKeyMarker).path, UploadIdMarker: NextUploadIdMarker }
      : {};
  } while (marker.KeyMarker !== undefined);
}

/**
 * The answer to a HEAD request has no text, but that of a listing that fails for the same reason
 * has. Returns the listing's error if there is one, else the given one.
 */
export async function explain(connection: S3Connection, key: string, error: unknown): Promise<unknown> {
  const command = new ListObjectsV2Command({ Bucket: connection.bucket, Prefix: key, MaxKeys: 1 });
  if (isThrottled(error) || isTransient(error)) return error;
  try {
    await connection.once({ run: (client, abortSignal) => client.send(command, { abortSignal }) });
    return error;
  } catch (explained) {
    return explained;
  }
}

/** S3 writes keys as forms do: a space is a plus sign. */
function decodeKey(encoded: string): Pick<ListedObject, "path" | "isBroken"> {
  const written = encoded.replaceAll("+", " ");
  try {
    return { path: decodeURIComponent(written) };
  } catch {
    const path = written.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => new TextDecoder().decode(bytesOf(bytes)));
    return { path, isBroken: true };
  }
}

/** `%41%42` */
function bytesOf(escapes: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(escapes.replaceAll("%", ""));
}

/** An ETag without its quotes; every answer about an object of a real S3 has one. */
export function bareEtag(etag: string | undefined): string {
  if (etag === undefined) throw new ForeignAnswerError("ETag");
  return etag.replaceAll('"', "");
}

/** A listing has milliseconds where `stat`'s header has whole seconds: seconds everywhere. */
export function wholeSeconds(date: Date | undefined): number {
  return Math.floor((date?.getTime() ?? 0) / 1000) * 1000;
}
