import type { Random } from "../base/random.ts";
import type { ByteText } from "./byte_text.ts";
import { happens, oneOf } from "./choice.ts";
import { compress } from "./compression.ts";
import { arrayWays, compressedWays } from "./corruption.ts";
import { corruptedContent, type EventFileContent, type FileDrafts } from "./event_file.ts";
import type { Compression } from "../disk/decompress.ts";
import { recordOfDraft } from "./record_text.ts";
import type { RecordTruth } from "./truth.ts";

/** One JSON array, a record a line. */
export function arrayFile(
  drafts: FileDrafts,
  text: ByteText,
  random: Random,
  options: { compression: Compression; corruptionChance: number },
): EventFileContent {
  const way = happens(random, options.corruptionChance) ? corruptionWay(random, options.compression) : undefined;
  if (way === "empty_file") return corruptedContent(way, new Uint8Array());
  const remarks = new Map<number, RecordTruth>();
  text.clear();
  for (let position = 0; position < drafts.size; position++) {
    const draft = drafts.next(position);
    const { json, truth } = recordOfDraft(draft, random);
    text.add((position === 0 ? "[" : ",\n") + json);
    if (truth !== undefined) remarks.set(position, truth);
    if (draft.flaw === undefined) drafts.written(draft, position);
  }
  text.add("]");
  if (way === undefined) {
    text.add("\n");
    return { bytes: compress(text.bytes(), options.compression), corrupted: undefined, records: drafts.size, remarks };
  }
  const breakText = arrayWays[way];
  const bytes = compress(breakText?.(text.bytes(), random) ?? text.bytes(), options.compression);
  return corruptedContent(way, compressedWays[way]?.(bytes, random, options.compression) ?? bytes);
}

function corruptionWay(random: Random, compression: Compression): string {
  const forCompressed = compression === "none" ? [] : Object.keys(compressedWays);
  return oneOf(random, ["empty_file", ...Object.keys(arrayWays), ...forCompressed]);
}
