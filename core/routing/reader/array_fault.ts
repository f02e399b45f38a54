import { JsonArrayScan } from "../../json/array_scan.ts";
import type { PlacedText, ReaderInstance } from "./reader_instance.ts";

/** An array up to its second element. */
const BEGUN = new Uint8Array([0x5b, 0x30, 0x2c]);

/**
 * What makes a text no array, in the words of the strict scan, which starts anew behind the last
 * record that is one. Undefined where the scan finds nothing wrong.
 */
export function arrayFault(reader: ReaderInstance, text: PlacedText, lastGood: number): string | undefined {
  const scan = new JsonArrayScan();
  const from = Math.max(lastGood, text.at), end = text.at + text.length;
  const behind = from > text.at;
  if (behind) scan.push(BEGUN);
  scan.push(reader.bytes.subarray(from, end));
  const verdict = scan.end();
  if (verdict.kind === "ok") return undefined;
  if (!behind) return verdict.detail;
  const lines = reader.calls.lineFeeds(text.at, from);
  return verdict.detail.replace(/^byte (\d+) \(line (\d+)\)/, (_place, byte: string, line: string) => {
    return `byte ${Number(byte) - BEGUN.length + from - text.at} (line ${Number(line) + lines})`;
  });
}
