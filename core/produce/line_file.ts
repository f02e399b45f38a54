import { inTurns } from "../base/event_loop.ts";
import type { Random } from "../base/random.ts";
import type { ByteText } from "./byte_text.ts";
import { happens, intBetween, oneOf, randomLetters } from "./choice.ts";
import { compress } from "./compression.ts";
import { breakLine, compressedWays, lineWays } from "./corruption.ts";
import { truthOfDraft } from "./drafts.ts";
import { membersOf, objectText } from "./event.ts";
import { corruptedContent, type EventFileContent, type FileDrafts, RECORDS_PER_TURN } from "./event_file.ts";
import type { Compression } from "../disk/decompress.ts";
import { addRecord } from "./record_bytes.ts";
import { fixedText } from "./fixed_text.ts";
import type { RecordTruth } from "./truth.ts";

interface LinePlan {
  /** Corrupts the whole file. */
  whole: string | undefined;
  /** Lines that are no JSON; the others are not touched. */
  badLines: ReadonlySet<number>;
  /** The file ends within this line. */
  cutLine: number | undefined;
  hasGarbageTail: boolean;
}

const NEWLINE = fixedText("\n");
const BAD_LINES_MAX = 3;

/**
 * NDJSON, a record a line. A corruption mostly costs single lines (`corrupted_record`): the rest of
 * the file is readable.
 */
export async function lineFile(
  drafts: FileDrafts,
  text: ByteText,
  random: Random,
  options: { compression: Compression; corruptionChance: number },
): Promise<EventFileContent> {
  const plan = happens(random, options.corruptionChance)
    ? planCorruption(random, drafts.size, options.compression)
    : { whole: undefined, badLines: new Set<number>(), cutLine: undefined, hasGarbageTail: false };
  if (plan.whole === "empty_file") return corruptedContent(plan.whole, new Uint8Array());
  text.clear();
  const { records, remarks } = await addLines(drafts, text, random, plan);
  const bytes = compress(text.bytes(), options.compression);
  return plan.whole === undefined
    ? { bytes, corrupted: undefined, records, remarks }
    : corruptedContent(plan.whole, compressedWays[plan.whole]!(bytes, random, options.compression));
}

function planCorruption(random: Random, size: number, compression: Compression): LinePlan {
  const forCompressed = compression === "none" ? [] : Object.keys(compressedWays);
  const way = oneOf(random, ["bad_lines", "bad_lines", "cut", "garbage_tail", "empty_file", ...forCompressed]);
  const badLines = new Set<number>();
  if (way === "bad_lines") {
    for (let left = intBetween(random, 1, BAD_LINES_MAX); left > 0; left--) {
      badLines.add(intBetween(random, 0, size - 1));
    }
  }
  return {
    whole: way === "empty_file" || compressedWays[way] !== undefined ? way : undefined,
    badLines,
    cutLine: way === "cut" ? intBetween(random, 0, size - 1) : undefined,
    hasGarbageTail: way === "garbage_tail",
  };
}

async function addLines(
  drafts: FileDrafts,
  text: ByteText,
  random: Random,
  plan: LinePlan,
): Promise<Pick<EventFileContent, "records" | "remarks">> {
  const remarks = new Map<number, RecordTruth>();
  const size = plan.cutLine === undefined ? drafts.size : plan.cutLine + 1;
  await inTurns(size, RECORDS_PER_TURN, (position) => {
    const draft = drafts.next(position);
    const isCut = position === plan.cutLine;
    if (isCut || plan.badLines.has(position)) {
      const json = objectText(membersOf(draft.event));
      const { way, bytes } = isCut
        ? { way: "cut_file", bytes: lineWays.cut_line!(json, random) }
        : breakLine(json, random);
      text.addBytes(bytes);
      if (!isCut) text.addFixed(NEWLINE);
      remarks.set(position, { disposition: "corrupted_record", way, ...truthOfDraft(draft) });
      return;
    }
    const truth = addRecord(text, draft, random);
    text.addFixed(NEWLINE);
    if (truth !== undefined) remarks.set(position, truth);
    if (draft.flaw === undefined) drafts.written(draft, position);
  });
  if (!plan.hasGarbageTail) return { records: size, remarks };
  text.add(randomLetters(random, intBetween(random, 1, 40)));
  remarks.set(size, { disposition: "corrupted_record", way: "garbage_tail" });
  return { records: size + 1, remarks };
}
