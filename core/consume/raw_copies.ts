import { StreamlabError } from "../base/errors.ts";
import { Scratch } from "../engine/scratch.ts";
import type { Store } from "../storage/store.ts";
import type { PlannedFile } from "./batch_plan.ts";
import { Gate } from "./gate.ts";

/** Requests under way at once. Small objects take as long as the way there and back: only many at once fill the line. */
const REQUESTS_MAX = 192;
/** What travels in one request; a larger file takes several at once, so many at most (see `S3Limits`). */
const REQUEST_BYTES = 8 << 20;
const REQUESTS_PER_FILE_MAX = 8;
/** Bytes that are fetched before the batch that needs them has begun. */
const AHEAD_BYTES_MAX = 256 << 20;

/** Why there is no copy of a planned file: it is not the one that was planned any more. */
export type Missing = "changed" | "vanished";

interface Ahead {
  file: PlannedFile;
  path: string;
  copying: Promise<Missing | undefined>;
}

/**
 * Brings files of a distant store to this disk, each in the very version that was planned: a read is conditional on its etag. While a
 * batch is worked on, the files of the next one come already.
 */
export class RawCopies {
  readonly #gate = new Gate(REQUESTS_MAX);
  readonly #ahead = new Map<string, Ahead>();
  #expected: readonly PlannedFile[] = [];
  #scratch: Scratch | undefined;
  #count = 0;

  /** `folder` is made for the copies that nobody has asked for yet. */
  constructor(private readonly store: Store, private readonly folder: string) {}

  /** Says what the next batch will take, most likely; `fetchAhead` begins with it. */
  expect(files: readonly PlannedFile[]): void {
    this.#expected = files;
  }

  /** To be called when the batch that runs has all of its own files. What was fetched for nothing is removed. */
  fetchAhead(): void {
    const wanted = new Set(this.#expected.map(keyOf));
    for (const key of this.#ahead.keys()) if (!wanted.has(key)) this.#forget(key);
    let bytes = 0;
    for (const file of this.#expected) {
      bytes += file.size;
      if (bytes > AHEAD_BYTES_MAX) break;
      const key = keyOf(file);
      if (this.#ahead.has(key)) continue;
      this.#scratch ??= Scratch.create(this.folder);
      const path = this.#scratch.path(String(this.#count++));
      const copying = this.#copy(file, path);
      // Whoever asks for the file sees the failure, if anybody does.
      copying.catch(() => undefined);
      this.#ahead.set(key, { file, path, copying });
    }
  }

  /** Puts the copy into scratch as `name`; tells why it could not where the file is another one now. */
  async take(file: PlannedFile, scratch: Scratch, name: string): Promise<Missing | undefined> {
    const key = keyOf(file);
    const ahead = this.#ahead.get(key);
    if (ahead === undefined) return await this.#copy(file, scratch.path(name));
    this.#ahead.delete(key);
    try {
      const missing = await ahead.copying;
      if (missing === undefined) await scratch.takeIn(ahead.path, name);
      return missing;
    } catch (error) {
      if (!(error instanceof StreamlabError)) throw error;
      // It was nobody's need when it failed; now it is, and gets a try of its own.
      return await this.#copy(file, scratch.path(name));
    }
  }

  #forget(key: string): void {
    const { copying, path } = this.#ahead.get(key)!;
    this.#ahead.delete(key);
    const remove = () => this.#scratch?.removeFile(path);
    copying.then(remove, remove);
  }

  async #copy(file: PlannedFile, target: string): Promise<Missing | undefined> {
    const weight = Math.min(REQUESTS_PER_FILE_MAX, Math.max(1, Math.ceil(file.size / REQUEST_BYTES)));
    try {
      await this.#gate.pass(weight, () => this.store.getFile(file.path, target, { etag: file.etag }));
      return undefined;
    } catch (error) {
      if (error instanceof StreamlabError && error.kind === "conflict") return "changed";
      if (error instanceof StreamlabError && error.kind === "not-found") return "vanished";
      throw error;
    }
  }
}

function keyOf({ path, etag }: PlannedFile): string {
  return `${etag} ${path}`;
}
