import { StreamlabError } from "../base/errors.ts";
import { mapParallel } from "../base/parallel.ts";
import { DecompressError, decompressFile } from "../engine/decompress.ts";
import type { Scratch } from "../engine/scratch.ts";
import type { Store } from "../storage/store.ts";
import type { BatchPlan, PlannedFile } from "./batch_plan.ts";
import { eventFileKind } from "./event_file.ts";
import type { BrokenFile } from "./routing/route_files.ts";
import type { LocalFile } from "./routing/source.ts";

/** Files fetched or unpacked at once. */
const PREPARED_PARALLEL = 8;

export interface PreparedFiles {
  ready: LocalFile[];
  broken: BrokenFile[];
  /** Planned files that are not what was planned, by number. */
  missing: Map<number, "changed" | "vanished">;
  /** Numbers of files that are read where they lie, and so may change under the reader. */
  inPlace: number[];
}

type Prepared =
  | { kind: "ready"; file: LocalFile; inPlace: boolean }
  | { kind: "broken"; file: BrokenFile }
  | { kind: "missing"; number: number; status: "changed" | "vanished" };

/** Brings a batch's files to the local disk, unpacked. Files that lie there as they are, are left where they are. */
export async function prepareFiles(
  plan: BatchPlan,
  numbers: readonly number[],
  store: Store,
  scratch: Scratch,
): Promise<PreparedFiles> {
  const result: PreparedFiles = { ready: [], broken: [], missing: new Map(), inPlace: [] };
  const prepared = await mapParallel(numbers, PREPARED_PARALLEL, (number) => {
    return prepareFile(number, plan.files[number]!, plan.options.format, store, scratch);
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
  store: Store,
  scratch: Scratch,
): Promise<Prepared> {
  const status = await fileStatus(planned, store);
  if (status !== "same") return { kind: "missing", number, status };
  const kind = eventFileKind(planned.path, format);
  if (kind === undefined) throw new StreamlabError("internal", `Cannot read ${planned.name}: its format is not known`);
  const { name } = planned;
  const local = store.localPath(planned.path);
  const path = local ?? scratch.path(`raw-${number}`);
  if (local === undefined) {
    const gone = await fetchFile(planned, store, path);
    if (gone !== undefined) return { kind: "missing", number, status: gone };
  }
  if (kind.compression === "none") {
    const file = { number, name, path, size: planned.size, format: kind.format };
    return { kind: "ready", file, inPlace: local !== undefined };
  }
  const unpacked = scratch.path(`unpacked-${number}`);
  try {
    const size = await decompressFile(path, unpacked, kind.compression);
    return { kind: "ready", file: { number, name, path: unpacked, size, format: kind.format }, inPlace: false };
  } catch (error) {
    if (!(error instanceof DecompressError)) throw error;
    return { kind: "broken", file: { number, name, path, size: planned.size, detail: error.message } };
  }
}

/** Whether a planned file is still what it was when it was planned. */
export async function fileStatus(planned: PlannedFile, store: Store): Promise<"same" | "changed" | "vanished"> {
  const info = await store.stat(planned.path);
  if (info === undefined) return "vanished";
  return info.etag === planned.etag ? "same" : "changed";
}

/** Copies a file of that very version; tells why it could not where the file is another one now. */
async function fetchFile(
  planned: PlannedFile,
  store: Store,
  target: string,
): Promise<"changed" | "vanished" | undefined> {
  try {
    await store.getFile(planned.path, target, { etag: planned.etag });
    return undefined;
  } catch (error) {
    if (error instanceof StreamlabError && error.kind === "conflict") return "changed";
    if (error instanceof StreamlabError && error.kind === "not-found") return "vanished";
    throw error;
  }
}
