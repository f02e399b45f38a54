import { counted } from "../../base/counted.ts";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { mapParallel } from "../../base/parallel.ts";
import type { S3Connection } from "./connection.ts";
import { faultOf, TruncatedError } from "./fault.ts";
import { bareEtag } from "./listing.ts";
import type { GetFileOptions } from "../store.ts";
import { writeAll } from "../../disk/file_bytes.ts";

/** Which bytes: from `start` on, or the last `suffix`; `length` undefined is to the end. */
export type S3Range = { start: number; length?: number } | { suffix: number };

/** The part of Node's streams that is needed here. */
interface BodyStream extends AsyncIterable<Uint8Array> {
  destroy(): void;
}

/** One that has come whole is bytes. */
type Body = BodyStream | Uint8Array;

/** An answer that has begun. */
interface Answer {
  etag: string;
  /** Positions in the object. */
  start: number;
  end: number;
  /** Bytes of the whole object. */
  size: number;
  body: Body | undefined;
}

/** A slower answer, after a grace period, is aborted and requested again. */
const BYTES_PER_MS_MIN = 1, SLOW_START_MS = 10_000;

/**
 * An object's bytes in pieces. After a broken connection it continues at the same byte, in the same
 * version of the object.
 */
export class S3Download {
  readonly #connection: S3Connection;
  readonly #key: string;
  readonly #etag: string;
  readonly #stop: AbortSignal | undefined;
  readonly #end: number;
  #position: number;
  /** For the answer that is being read: the time waited for its pieces, and their bytes. */
  #waitedMs = 0;
  #bytes = 0;
  #whole: Uint8Array | undefined;
  #body: BodyStream | undefined;
  #pieces: AsyncIterator<Uint8Array> | undefined;
  /** Bytes of the whole object; 0 where the range lies beyond its end. */
  readonly size: number;

  private constructor(connection: S3Connection, key: string, answer: Answer, stop: AbortSignal | undefined) {
    this.#connection = connection;
    this.#key = key;
    this.#stop = stop;
    this.#etag = answer.etag;
    this.size = answer.size;
    this.#position = answer.start;
    this.#end = answer.end;
    this.#hold(answer.body);
  }

  static async open(
    connection: S3Connection,
    key: string,
    range: S3Range,
    options: GetFileOptions,
  ): Promise<S3Download> {
    const { stop } = options;
    try {
      const answer = await connection.repeat(() => begin(connection, key, range, options), stop);
      return new S3Download(connection, key, answer, stop);
    } catch (error) {
      const isBeyondEnd = faultOf(error) === "out-of-range";
      if (!isBeyondEnd) throw connection.error("read", key, error);
      const nothing = { etag: options.etag ?? "", start: 0, end: 0, size: 0, body: undefined };
      return new S3Download(connection, key, nothing, stop);
    }
  }

  /** Of the version that is being read. */
  get etag(): string {
    return this.#etag;
  }

  /** Bytes that are still to come. */
  get remaining(): number {
    return this.#end - this.#position;
  }

  /** The next piece, or undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.remaining === 0) {
      this.close();
      return undefined;
    }
    if (this.#whole !== undefined) return this.#takeWhole(this.#whole);
    try {
      return await this.#connection.repeat(() => this.#nextOnce(), this.#stop);
    } catch (error) {
      throw this.#connection.error("read", this.#key, error);
    }
  }

  /** All that is still to come, at once. */
  async rest(): Promise<Uint8Array> {
    if (this.#whole !== undefined) return this.#takeWhole(this.#whole);
    const bytes = this.#room();
    const start = this.#position;
    for (let piece = await this.next(); piece !== undefined; piece = await this.next()) {
      bytes.set(piece, this.#position - start - piece.length);
    }
    return bytes;
  }

  /** An endless answer can still deliver each piece in time. */
  #checkSpeed(bytes: number, ms: number): void {
    this.#bytes += bytes;
    this.#waitedMs += ms;
    const isSlow = this.#waitedMs > SLOW_START_MS && this.#bytes < this.#waitedMs * BYTES_PER_MS_MIN;
    if (isSlow && this.remaining > 0) throw new TruncatedError(this.remaining);
  }

  #room(): Uint8Array {
    try {
      return new Uint8Array(this.remaining);
    } catch {
      const error = new Error(`it has ${counted(this.remaining, "byte")}, more than fit into memory`);
      throw this.#connection.error("read", this.#key, error);
    }
  }

  /** Ends the request; after the last byte the connection is kept for others. */
  close(): void {
    if (this.remaining > 0) this.#body?.destroy();
    this.#hold(undefined);
  }

  async #nextOnce(): Promise<Uint8Array> {
    try {
      if (this.#pieces === undefined) {
        const range = { start: this.#position, length: this.remaining };
        this.#hold((await begin(this.#connection, this.#key, range, { etag: this.#etag, stop: this.#stop })).body);
        if (this.#whole !== undefined) return this.#takeWhole(this.#whole);
      }
      const { clock } = this.#connection;
      const askedMs = clock.nowMs();
      const { done, value } = await this.#connection.deadline(() => this.#pieces!.next(), 0, this.#stop);
      if (done) throw new TruncatedError(this.remaining);
      this.#position += value.length;
      this.#checkSpeed(value.length, clock.nowMs() - askedMs);
      // The end of the answer frees its connection.
      if (this.remaining === 0) await this.#connection.deadline(() => this.#pieces!.next());
      return value;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #hold(body: Body | undefined): void {
    this.#whole = body instanceof Uint8Array ? body : undefined;
    this.#body = body instanceof Uint8Array ? undefined : body;
    this.#pieces = this.#body?.[Symbol.asyncIterator]();
    this.#waitedMs = this.#bytes = 0;
  }

  #takeWhole(bytes: Uint8Array): Uint8Array {
    this.#whole = undefined;
    this.#position += bytes.length;
    return bytes;
  }
}

/** Sends one request; throws what the client throws. */
async function begin(
  connection: S3Connection,
  key: string,
  range: S3Range,
  { etag, stop }: GetFileOptions,
): Promise<Answer> {
  const Range = headerOf(range);
  const IfMatch = etag === undefined ? undefined : `"${etag}"`;
  const quick = await connection.get(key, {
    ...(Range === undefined ? {} : { range: Range }),
    ...(IfMatch === undefined ? {} : { "if-match": IfMatch }),
  }, stop);
  if (quick !== undefined) {
    const { headers, body } = quick;
    return answerOf(
      headers.get("etag") ?? undefined,
      Number(headers.get("content-length")),
      headers.get("content-range"),
      body instanceof Uint8Array ? body : bodyOf(body),
    );
  }
  const command = new GetObjectCommand({ Bucket: connection.bucket, Key: key, Range, IfMatch });
  const output = await connection.once({ stop, run: (client, abortSignal) => client.send(command, { abortSignal }) });
  const { ETag, ContentLength = 0, ContentRange } = output;
  return answerOf(ETag, ContentLength, ContentRange, output.Body as unknown as BodyStream | undefined);
}

function answerOf(
  etag: string | undefined,
  length: number,
  contentRange: string | null | undefined,
  body: Body | undefined,
): Answer {
  // "bytes 0-99/1234"; without it the answer is the whole object.
  const [, first, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(contentRange ?? "") ?? [];
  const start = Number(first ?? 0);
  return { etag: bareEtag(etag), start, end: start + length, size: Number(size ?? length), body };
}

function bodyOf(stream: ReadableStream<Uint8Array>): BodyStream {
  // An iterator's `return` waits for the piece that was asked for last, which may never come.
  const reader = stream.getReader();
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const { done, value } = await reader.read();
    return done ? { done, value: undefined } : { done, value };
  };
  return {
    [Symbol.asyncIterator]: () => ({ next }),
    // It has ended either way.
    destroy: () => void reader.cancel().catch(() => undefined),
  };
}

function headerOf(range: S3Range): string | undefined {
  if ("suffix" in range) return `bytes=-${range.suffix}`;
  if (range.start === 0 && range.length === undefined) return undefined;
  return `bytes=${range.start}-${range.length === undefined ? "" : range.start + range.length - 1}`;
}

/**
 * Copies the object to a local file; a large one in several requests at once, all for the version
 * that the first one saw.
 */
export async function downloadFile(
  connection: S3Connection,
  key: string,
  localPath: string,
  options: GetFileOptions,
): Promise<void> {
  const { partBytes, parallelMax } = connection.limits;
  const first = await S3Download.open(connection, key, { start: 0, length: partBytes }, options);
  await copyPart(first, localPath, 0);
  const starts: number[] = [];
  for (let start = partBytes; start < first.size; start += partBytes) starts.push(start);
  await mapParallel(starts, parallelMax, async (start) => {
    const range = { start, length: partBytes };
    await copyPart(await S3Download.open(connection, key, range, { ...options, etag: first.etag }), localPath, start);
  });
}

async function copyPart(download: S3Download, localPath: string, offset: number): Promise<void> {
  try {
    const file = await Deno.open(localPath, { write: true, create: true });
    try {
      await file.seek(offset, Deno.SeekMode.Start);
      for (let piece = await download.next(); piece !== undefined; piece = await download.next()) {
        await writeAll(file, piece);
      }
    } finally {
      file.close();
    }
  } finally {
    download.close();
  }
}
