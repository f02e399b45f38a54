import { StreamlabError } from "../../core/base/errors.ts";
import { EVENTS_FOLDER } from "../../core/lake/layout.ts";
import { localFolder, type RawZone } from "../../core/lake/raw_zone.ts";
import type { TargetRecord } from "../../core/lake/target_record.ts";
import { parseLocation } from "../../core/storage/location.ts";
import type { Store } from "../../core/storage/store.ts";
import type { Context } from "../line/command.ts";
import type { LakeLocation } from "../line/values.ts";
import { missingRoot, openLake } from "../open_lake.ts";
import type { ConsumeFlags } from "./flags.ts";

type ZoneFlags = Pick<
  ConsumeFlags,
  "source" | "raw" | "sink" | "format" | "records" | "pathColumns" | "onEmpty" | "once" | "create"
>;

interface RawChoice {
  source: Store;
  sink: Store;
  before: TargetRecord | undefined;
}

/**
 * Where raw files are, and their names in the ledger: the path if they are in the sink's lake, else
 * the URI. Whoever names a source besides a sink names it for its raw files, as `--raw` does;
 * alone, either names the lake whose table goes on.
 */
export async function rawZone(
  context: Context,
  flags: ZoneFlags,
  { source, sink, before }: RawChoice,
): Promise<RawZone> {
  const [{ nameFile }, { rawPlaceOf }] = await Promise.all([
    import("../../core/storage/file_name.ts"),
    import("../../core/lake/target_record.ts"),
  ]);
  const how = {
    format: flags.format ?? before?.options.format,
    onEmpty: flags.onEmpty ?? before?.options.onEmpty,
    recordsAt: flags.records ?? before?.options.recordsAt,
    // In one order, for it is that of the members in the text of letters.
    pathColumns: flags.pathColumns === undefined ? before?.options.pathColumns : [...new Set(flags.pathColumns)].sort(),
  };
  if (how.format === "parquet" && how.recordsAt !== undefined) {
    throw new StreamlabError("usage", `Cannot read Parquet files by --records ${how.recordsAt}`, {
      hint: "Only JSON has envelopes: the rows of a Parquet file are the records",
    });
  }
  const isNamed = flags.raw !== undefined || (flags.source !== undefined && flags.sink !== undefined);
  if (!isNamed && before !== undefined) {
    const { root, prefix, base } = rawPlaceOf(sink.root, before);
    const store = root === sink.root ? sink : await openLake(context, parseLocation(root));
    const zone = { store, prefix, nameBase: base, ...how };
    await checkThere(flags, zone, "--raw", "put back the one that the table is fed from");
    return zone;
  }
  const [store, prefix, flag] = flags.raw === undefined
    ? [source, `${EVENTS_FOLDER}/`, "--source"]
    : [await openLake(context, flags.raw as LakeLocation), "", "--raw"];
  const zone = { store, prefix, nameBase: nameFile(sink.root, store.root, ""), ...how };
  await checkThere(flags, zone, flag, "write files into it with streamlab produce");
  return zone;
}

/** A wrong name would be watched for ever: what is not there is only made where that is wished. */
async function checkThere({ once, create }: ZoneFlags, zone: RawZone, flag: string, otherwise: string): Promise<void> {
  const local = localFolder(zone);
  if (local !== undefined && await isFile(local)) {
    throw new StreamlabError("not-found", `Cannot read the files in ${local}: it is a file itself`, {
      hint: `Name the folder that it is in with ${flag}`,
    });
  }
  if (create) return await makeZone(zone);
  const folder = once ? undefined : local;
  if (folder === undefined ? await zone.store.rootExists() : await isFolder(folder)) return;
  if (folder === undefined) throw await missingRoot(zone.store, flag, "folder to read", otherwise);
  throw new StreamlabError("not-found", `There is no folder to watch at ${folder}`, {
    hint: `Name another with ${flag}, or give --create, which makes it`,
  });
}

async function makeZone(zone: RawZone): Promise<void> {
  const folder = localFolder(zone);
  if (folder !== undefined) await Deno.mkdir(folder, { recursive: true });
}

async function isFolder(path: string): Promise<boolean> {
  return (await infoOf(path))?.isDirectory ?? false;
}

/** What cannot be looked at is told by who reads it. */
async function isFile(path: string): Promise<boolean> {
  return (await infoOf(path).catch(() => undefined))?.isFile ?? false;
}

/** Undefined: nothing is there. */
async function infoOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
