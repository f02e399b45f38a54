import { StreamlabError } from "../base/errors.ts";
import type { Meter } from "../base/meter.ts";
import { mapParallel } from "../base/parallel.ts";
import { DecompressError, decompressFile, type Packing } from "../disk/decompress.ts";
import type { Scratch } from "../disk/scratch.ts";
import type { Store } from "../storage/store.ts";
import type { PlannedFile } from "../lake/batch_plan.ts";
import { eventFileKind, type EventFormat } from "../lake/event_file.ts";
import type { RoutingTask } from "../lake/routing_task.ts";
import { Gate } from "../base/gate.ts";
import { type Missing, type RawCopies, REQUESTS_MAX } from "./raw_copies.ts";
import { plainParquet } from "./plain_parquet.ts";
import { type BrokenFile, type LocalRawFile, unspool } from "./raw_file.ts";

/** Files looked at or fetched at once, `RawCopies` bounds the requests. */
const PREPARED_PARALLEL = REQUESTS_MAX;
/** Parquet files unpacked at once. */
const UNPACKED_PARALLEL = 8;

export interface PreparedFiles {
  ready: LocalRawFile[];
  broken: BrokenFile[];
  /** Planned files that have changed or vanished, by number. */
  missing: Map<number, Missing>;
}

type Prepared =
  | { kind: "ready"; file: LocalRawFile }
  | { kind: "broken"; file: BrokenFile }
  | { kind: "missing"; number: number; status: Missing };

export interface Preparation {
  store: Store;
  copies: RawCopies;
  scratch: Scratch;
  /** Counts files and their bytes as they come. */
  meter: Meter;
}

/**
 * Brings a batch's files to the local disk. Local ones are used in place; those that are packed are
 * unpacked by who reads them, except for DuckDB.
 */
export async function prepareFiles(
  files: RoutingTask["files"],
  /** Overrides what names say. */
  format: EventFormat | undefined,
  preparation: Preparation,
): Promise<PreparedFiles> {
  const result: PreparedFiles = { ready: [], broken: [], missing: new Map() };
  const preparer = new Preparer(format, preparation);
  for (const item of await mapParallel(files, PREPARED_PARALLEL, (file) => preparer.prepare(file))) {
    if (item.kind === "missing") result.missing.set(item.number, item.status);
    else if (item.kind === "broken") result.broken.push(item.file);
    else result.ready.push(item.file);
  }
  preparation.copies.flush();
  return result;
}

class Preparer {
  readonly #unpacking = new Gate(UNPACKED_PARALLEL);
  readonly #format: EventFormat | undefined;
  readonly #preparation: Preparation;

  constructor(format: EventFormat | undefined, preparation: Preparation) {
    this.#format = format;
    this.#preparation = preparation;
  }

  async prepare(planned: RoutingTask["files"][number]): Promise<Prepared> {
    const { store, copies } = this.#preparation;
    const { number, name, path, size, pieces } = planned;
    const kind = eventFileKind(path, this.#format);
    if (kind === undefined) throw new StreamlabError("internal", `Cannot read ${name}: its format is not known`);
    const { format, compression } = kind;
    const local = store.localPath(path);
    const copy = local === undefined
      ? await copies.take(planned)
      : await fileStatus(planned, store) ?? { path: this.#named(local, number) };
    this.#preparation.meter.count("bytes", size);
    this.#preparation.meter.count("files");
    if (typeof copy === "string") return { kind: "missing", number, status: copy };
    const file: LocalRawFile = { number, name, ...copy, size, format, pieces };
    // Only DuckDB reads Parquet files, and it needs each in its own file, unpacked.
    if (format === "parquet") {
      return compression === "none"
        ? await this.#prepareParquet(this.#unspool(file))
        : await this.#unpack(file, compression);
    }
    return { kind: "ready", file: compression === "none" ? file : { ...file, packed: compression } };
  }

  async #prepareParquet(file: LocalRawFile): Promise<Prepared> {
    const { plain, detail } = await plainParquet(file, this.#preparation.scratch);
    if (detail !== undefined) return { kind: "broken", file: { ...file, detail } };
    return { kind: "ready", file: plain === undefined ? file : { ...file, plain } };
  }

  /** By another name where no pattern matches the file and no other (see `quotePath`). */
  #named(path: string, number: number): string {
    if (!path.includes("\\") || !/[*?[]/.test(path)) return path;
    return this.#preparation.scratch.link(`named-${number}`, path);
  }

  /** Into a file of its own, through bounded memory. */
  async #unpack(packed: LocalRawFile, packing: Packing): Promise<Prepared> {
    const whole = this.#unspool(packed);
    const path = this.#preparation.scratch.path(`unpacked-${packed.number}`);
    try {
      const size = await this.#unpacking.pass(1, () => decompressFile(whole.path, path, packing));
      return { kind: "ready", file: { ...whole, path, size } };
    } catch (error) {
      if (!(error instanceof DecompressError)) throw error;
      return { kind: "broken", file: { ...whole, detail: error.message } };
    }
  }

  #unspool(file: LocalRawFile): LocalRawFile {
    if (file.offset !== undefined) this.#preparation.copies.flush();
    return unspool(file, this.#preparation.scratch.path(`raw-${file.number}`));
  }
}

/** Undefined if a planned file is unchanged since it was planned. */
export async function fileStatus(planned: PlannedFile, store: Store): Promise<Missing | undefined> {
  const info = await store.stat(planned.path);
  if (info === undefined) return "vanished";
  return info.etag === planned.etag ? undefined : "changed";
}
