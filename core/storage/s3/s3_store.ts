import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Clock } from "../../base/clock.ts";
import { stopped, StreamlabError } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import type { Random } from "../../base/random.ts";
import { formatLocation } from "../location.ts";
import type { Location } from "../location.ts";
import { localError } from "../../disk/disk_error.ts";
import { readAt } from "../../disk/file_bytes.ts";
import { removeFileQuietly, removeTree } from "../../disk/removal.ts";
import { checkPath, checkPrefix, isPath } from "../path.ts";
import { deleteOwn } from "../deletion.ts";
import { checkSize } from "../size_limit.ts";
import { probeCreate, probePlace, probePrefix } from "../probe.ts";
import { readOwnS3Settings } from "./settings.ts";
import type { S3Settings } from "./settings.ts";
import { DEFAULT_S3_LIMITS, S3Connection } from "./connection.ts";
import type { S3Limits } from "./connection.ts";
import { downloadFile, S3Download } from "./download.ts";
import type { S3Range } from "./download.ts";
import { faultOf } from "./fault.ts";
import { bareEtag, explain, listObjects, listUploads, wholeSeconds } from "./listing.ts";
import { abortUpload, bytesSource, upload } from "./upload.ts";
import type {
  FileInfo,
  GetFileOptions,
  ListedFile,
  ListOptions,
  ObjectAccess,
  ReadOptions,
  Store,
  UnfinishedWrite,
} from "../store.ts";

/** An older probe is that of a killed process. */
const ABANDONED_PROBE_MS = 600_000;

export interface S3StoreOptions {
  clock: Clock;
  random: Random;
  /** Default: those of the `AWS_*` variables. */
  settings?: S3Settings;
  limits?: Partial<S3Limits>;
  /**
   * Reads as if only the client knew the address, as on AWS; so that this can be tested elsewhere.
   */
  readsByClient?: boolean;
}

/** Opens a bucket, or what lies below a prefix in it, as a store. Sends nothing yet. */
export async function openS3Store(location: Location & { kind: "s3" }, options: S3StoreOptions): Promise<Store> {
  const settings = options.settings ?? await readOwnS3Settings();
  const limits = { ...DEFAULT_S3_LIMITS, ...options.limits };
  const { clock, random, readsByClient = false } = options;
  const connection = new S3Connection(location.bucket, settings, limits, { clock, random, readsByClient });
  return new S3Store(formatLocation(location), location.prefix === "" ? "" : `${location.prefix}/`, connection);
}

/**
 * A bucket, or a prefix in one, on AWS S3 or a compatible server. `create` is a PUT with
 * `If-None-Match: *`. Keys are the paths, unchanged. Objects whose key ends in a slash, which
 * consoles create as folders, are skipped.
 */
class S3Store implements Store {
  readonly kind = "s3";
  readonly root: string;
  readonly #prefix: string;
  readonly #connection: S3Connection;
  #probed: Promise<void> | undefined;

  constructor(root: string, prefix: string, connection: S3Connection) {
    this.root = root;
    this.#prefix = prefix;
    this.#connection = connection;
  }

  async rootExists(): Promise<boolean> {
    const Bucket = this.#connection.bucket;
    try {
      await this.#connection.repeat(() =>
        this.#connection.once({
          run: (client, abortSignal) => client.send(new HeadBucketCommand({ Bucket }), { abortSignal }),
        })
      );
      return true;
    } catch (error) {
      if (faultOf(error) === "missing-key" || faultOf(error) === "missing-bucket") return false;
      throw this.#connection.error("look at", "", await explain(this.#connection, "", error));
    }
  }

  async read(path: string, options: ReadOptions & { bytesMax?: number } = {}): Promise<Uint8Array> {
    const download = await this.#open(path, { start: 0 }, options);
    try {
      checkSize(`${this.root}/${path}`, download.size, options.bytesMax);
    } catch (error) {
      download.close();
      throw error;
    }
    return await download.rest();
  }

  async readRange(path: string, offset: number, length: number, options: ReadOptions = {}): Promise<Uint8Array> {
    // S3 has no empty range, but a missing or changed object must be noticed.
    const wanted = Math.max(length, 1);
    const range = offset < 0 ? { suffix: -offset } : { start: offset, length: wanted };
    const bytes = await (await this.#open(path, range, options)).rest();
    return bytes.subarray(0, Math.max(length, 0));
  }

  async getFile(path: string, localPath: string, options: GetFileOptions = {}): Promise<void> {
    try {
      await downloadFile(this.#connection, this.#key(path), localPath, options);
    } catch (error) {
      await removeFileQuietly(localPath);
      if (options.stop?.aborted) throw stopped(`reading ${this.root}/${path}`);
      throw localError("write", localPath, error, true);
    }
  }

  async stat(path: string): Promise<FileInfo | undefined> {
    const command = { Bucket: this.#connection.bucket, Key: this.#key(path) };
    try {
      const head = await this.#connection.repeat(() =>
        this.#connection.once({
          run: (client, abortSignal) => client.send(new HeadObjectCommand(command), { abortSignal }),
        })
      );
      const modifiedMs = wholeSeconds(head.LastModified);
      return { path, size: head.ContentLength ?? 0, etag: bareEtag(head.ETag), modifiedMs };
    } catch (error) {
      if (faultOf(error) === "missing-key") return undefined;
      throw this.#connection.error("look at", command.Key, await explain(this.#connection, command.Key, error));
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ListedFile> {
    checkPrefix(prefix);
    const after = options.after === undefined ? undefined : this.#prefix + options.after;
    for await (const { isBroken, ...object } of listObjects(this.#connection, this.#prefix + prefix, after)) {
      const path = object.path.slice(this.#prefix.length);
      const isFolder = path.endsWith("/");
      if (!isBroken && (isFolder || path === "")) continue;
      if (!isBroken && isPath(path)) yield { path, info: { ...object, path } };
      else if (options.onPassedOver === undefined) throw this.#noPath(path);
      else options.onPassedOver({ path, why: isBroken ? "its name is not UTF-8" : "its key is no path", isFolder });
    }
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    await upload(this.#connection, this.#key(path), bytesSource(bytes));
  }

  async create(path: string, bytes: Uint8Array): Promise<boolean> {
    const Key = this.#key(path);
    const command = { Bucket: this.#connection.bucket, Key, Body: bytes, IfNoneMatch: "*" };
    const send = () =>
      this.#connection.once({
        bytes: bytes.length,
        // On a used connection Deno (2.9, denoland/deno issues 35610 and 36786) may send it twice.
        onOwnConnection: true,
        run: async (client, abortSignal) => {
          bareEtag((await client.send(new PutObjectCommand(command), { abortSignal })).ETag);
        },
      });
    try {
      try {
        await send();
      } catch (error) {
        if (faultOf(error) !== "clock") throw error;
        // It was refused, so it has not happened, and the client has learnt the time from the
        // answer.
        await send();
      }
      return true;
    } catch (error) {
      if (faultOf(error) === "changed") return false;
      throw this.#connection.error("create", Key, error);
    }
  }

  async putFile(path: string, localPath: string): Promise<void> {
    const key = this.#key(path);
    try {
      const { size } = await Deno.stat(localPath);
      await upload(this.#connection, key, { size, read: (offset, length) => readPart(localPath, offset, length) });
      removeTree(localPath);
    } catch (error) {
      throw localError("upload", localPath, error, true);
    }
  }

  /** By way of this machine, part after part: so a copy of any size is one of that version. */
  async copy(path: string, to: string, etag: string): Promise<boolean> {
    if (await this.stat(to) !== undefined) return false;
    const size = (await this.stat(path))?.size ?? 0;
    const read = (offset: number, length: number) =>
      size === 0 ? this.read(path, { etag }) : this.readRange(path, offset, length, { etag });
    await upload(this.#connection, this.#key(to), { size, read });
    return true;
  }

  async deletePaths(paths: string[]): Promise<void> {
    const keys = paths.map((path) => this.#key(path));
    const { pageKeys, parallelMax } = this.#connection.limits;
    // A request to delete many is XML, which cannot hold every character of a key.
    const isPlain = (key: string) => !/\p{Cc}|[\ufffe\uffff]/u.test(key);
    const plain = keys.filter(isPlain);
    const batches = keys.filter((key) => !isPlain(key)).map((key) => [key]);
    for (let i = 0; i < plain.length; i += pageKeys) batches.push(plain.slice(i, i + pageKeys));
    await mapParallel(batches, parallelMax, (batch) => this.#deleteBatch(batch));
  }

  async *listUnfinished(prefix: string): AsyncIterable<UnfinishedWrite> {
    checkPrefix(prefix);
    for await (const write of listUploads(this.#connection, this.#prefix + prefix)) {
      yield { ...write, path: write.path.slice(this.#prefix.length) };
    }
  }

  async discardUnfinished(writes: UnfinishedWrite[]): Promise<void> {
    await mapParallel(writes, this.#connection.limits.parallelMax, ({ path, uploadId }) => {
      return abortUpload(this.#connection, this.#key(path), uploadId);
    });
  }

  localPath(): undefined {
    return undefined;
  }

  objectAccess(): Promise<ObjectAccess> {
    return this.#connection.access();
  }

  /** Once for all folders: it depends on the service only. */
  async probe(folder: string): Promise<void> {
    this.#probed ??= Promise.all([
      probeCreate(
        this,
        folder,
        this.#connection.random,
        "Use AWS S3, a MinIO of 2025 or later, or a SeaweedFS of 2026",
      ),
      this.#removeAbandonedProbes(folder),
    ]).then(() => undefined);
    try {
      await this.#probed;
    } catch (error) {
      this.#probed = undefined;
      throw error;
    }
  }

  async #removeAbandonedProbes(folder: string): Promise<void> {
    const beforeMs = this.#connection.clock.nowMs() - ABANDONED_PROBE_MS;
    const abandoned: string[] = [];
    for await (const { path, info } of this.list(probePrefix(folder))) {
      if (info!.modifiedMs < beforeMs) abandoned.push(path);
    }
    await deleteOwn(this, abandoned, [probePlace]);
  }

  #key(path: string): string {
    checkPath(path);
    return this.#prefix + path;
  }

  #noPath(path: string): StreamlabError {
    return new StreamlabError("corrupt", `Cannot list "${this.root}": the key "${path}" is no path`, {
      hint: "Rename that object",
    });
  }

  async #open(path: string, range: S3Range, options: ReadOptions): Promise<S3Download> {
    return await S3Download.open(this.#connection, this.#key(path), range, options);
  }

  async #deleteBatch(keys: string[]): Promise<void> {
    const Bucket = this.#connection.bucket;
    let left = keys;
    const run = async (client: S3Client, abortSignal: AbortSignal) => {
      if (keys.length === 1) {
        await client.send(new DeleteObjectCommand({ Bucket, Key: keys[0] }), { abortSignal });
        return;
      }
      const Delete = { Objects: left.map((Key) => ({ Key })), Quiet: true };
      const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket, Delete }), { abortSignal });
      const failed = Errors.filter(({ Code }) => Code !== "NoSuchKey");
      const [first] = failed;
      if (first === undefined) return;
      // The request as a whole succeeded: only the keys that failed are asked for again.
      left = failed.map(({ Key }) => Key ?? "");
      throw Object.assign(new Error(first.Message), { code: first.Code });
    };
    try {
      await this.#connection.repeat(() => this.#connection.once({ run }));
    } catch (error) {
      throw this.#connection.error("delete", left[0]!, error);
    }
  }
}

/** Opened for each part: several are read at once, and a file has one position. */
async function readPart(localPath: string, offset: number, length: number): Promise<Uint8Array> {
  using file = await Deno.open(localPath);
  return await readAt(file, offset, length);
}
