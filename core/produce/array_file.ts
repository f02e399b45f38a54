import { inTurns } from "../base/event_loop.ts";
import type { Random } from "../base/random.ts";
import type { ByteText } from "./byte_text.ts";
import { happens, oneOf } from "./choice.ts";
import { compress } from "./compression.ts";
import { arrayWays, compressedWays } from "./corruption.ts";
import { corruptedContent, type EventFileContent, type FileDrafts, RECORDS_PER_TURN } from "./event_file.ts";
import type { Compression } from "../disk/decompress.ts";
import { addRecord } from "./record_bytes.ts";
import { fixedText } from "./fixed_text.ts";
import type { RecordTruth } from "./truth.ts";

const ARRAY_START = fixedText("[");
const SEPARATOR = fixedText(",\n");

/** One JSON array, a record a line. */
export async function arrayFile(
  drafts: FileDrafts,
  text: ByteText,
  random: Random,
  options: { compression: Compression; corruptionChance: number },
): Promise<EventFileContent> {
  const way = happens(random, options.corruptionChance) ? corruptionWay(random, options.compression) : undefined;
  if (way === "empty_file") return corruptedContent(way, new Uint8Array());
  const remarks = new Map<number, RecordTruth>();
  text.clear();
  await inTurns(drafts.size, RECORDS_PER_TURN, (position) => {
    const draft = drafts.next(position);
    text.addFixed(position === 0 ? ARRAY_START : SEPARATOR);
    const truth = addRecord(text, draft, random);
    if (truth !== undefined) remarks.set(position, truth);
    if (draft.flaw === undefined) drafts.written(draft, position);
  });
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
