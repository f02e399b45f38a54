import { StreamlabError } from "../base/errors.ts";
import { mapParallel } from "../base/parallel.ts";
import { DecompressError, decompressFile } from "../engine/decompress.ts";
import type { Scratch } from "../engine/scratch.ts";
import type { Store } from "../storage/store.ts";
import type { BatchPlan, PlannedFile } from "./batch_plan.ts";
import { eventFileKind } from "./event_file.ts";
import { Gate } from "./gate.ts";
import { type Missing, type RawCopies, REQUESTS_MAX } from "./raw_copies.ts";
import type { BrokenFile } from "./routing/count.ts";
import { unspool } from "./routing/pack.ts";
import type { LocalFile } from "./routing/source.ts";

/** Files looked at or fetched at once, `RawCopies` bounds the requests. */
const PREPARED_PARALLEL = REQUESTS_MAX;
/** Files unpacked at once. */
const UNPACKED_PARALLEL = 8;

export interface PreparedFiles {
  ready: LocalFile[];
  broken: BrokenFile[];
  /** Planned files that are not what was planned, by number. */
  missing: Map<number, Missing>;
  /** Numbers of files that are read where they lie, and so may change under the reader. */
  inPlace: number[];
}

type Prepared =
  | { kind: "ready"; file: LocalFile; inPlace: boolean }
  | { kind: "broken"; file: BrokenFile }
  | { kind: "missing"; number: number; status: Missing };

export interface Preparation {
  store: Store;
  copies: RawCopies;
  scratch: Scratch;
}

/** Brings a batch's files to the local disk, unpacked. Files that lie there as they are, are left where they are. */
export async function prepareFiles(
  plan: BatchPlan,
  numbers: readonly number[],
  preparation: Preparation,
): Promise<PreparedFiles> {
  const result: PreparedFiles = { ready: [], broken: [], missing: new Map(), inPlace: [] };
  const unpacking = new Gate(UNPACKED_PARALLEL);
  const prepared = await mapParallel(numbers, PREPARED_PARALLEL, (number) => {
    return prepareFile(number, plan.files[number]!, plan.options.format, preparation, unpacking);
  });
  for (const item of prepared) {
    if (item.kind === "missing") result.missing.set(item.number, item.status);
    else if (item.kind === "broken") result.broken.push(item.file);
    else {
      result.ready.push(item.file);
      if (item.inPlace) result.inPlace.push(item.file.number);
    }
  }
  return result;
}

async function prepareFile(
  number: number,
  planned: PlannedFile,
  format: BatchPlan["options"]["format"],
  { store, copies, scratch }: Preparation,
  unpacking: Gate,
): Promise<Prepared> {
  const kind = eventFileKind(planned.path, format);
  if (kind === undefined) throw new StreamlabError("internal", `Cannot read ${planned.name}: its format is not known`);
  const { name } = planned;
  const local = store.localPath(planned.path);
  const copy = local === undefined ? await copies.take(planned) : await fileStatus(planned, store) ?? { path: local };
  if (typeof copy === "string") return { kind: "missing", number, status: copy };
  const { compression } = kind;
  const copied: LocalFile = { number, name, ...copy, size: planned.size, format: kind.format };
  // Nothing but arrays is read out of a spool.
  const whole = compression === "none" && kind.format === "json"
    ? copied
    : unspool(copied, scratch.path(`raw-${number}`));
  if (compression === "none") return { kind: "ready", file: whole, inPlace: local !== undefined };
  const unpacked = scratch.path(`unpacked-${number}`);
  try {
    const size = await unpacking.pass(1, () => decompressFile(whole.path, unpacked, compression));
    return { kind: "ready", file: { number, name, path: unpacked, size, format: kind.format }, inPlace: false };
  } catch (error) {
    if (!(error instanceof DecompressError)) throw error;
    return { kind: "broken", file: { ...whole, detail: error.message } };
  }
}

/** Undefined where a planned file is still what it was when it was planned. */
export async function fileStatus(planned: PlannedFile, store: Store): Promise<Missing | undefined> {
  const info = await store.stat(planned.path);
  if (info === undefined) return "vanished";
  return info.etag === planned.etag ? undefined : "changed";
}
