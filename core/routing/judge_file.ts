import type { Judge } from "../contract/judge.ts";
import { scanJsonArray, scanNdjson } from "../json/text.ts";
import { readFileBlocks } from "../disk/scratch.ts";
import { bytesText, fileText } from "./corrupted_file.ts";
import type { JudgedRows } from "./judged_rows.ts";
import type { LocalFile } from "./record_sql.ts";

/**
 * The exact way for files that SQL cannot read: judged record by record, one in memory at a time.
 * An array was validated before; of the others broken ones become one dead letter. Returns the
 * number of records (0 for a broken file).
 */
export async function routeExactly(file: LocalFile, judge: Judge, rows: JudgedRows): Promise<number> {
  if (file.format === "parquet") {
    await addCorruptedFile(file, "not a Parquet file that can be read, or one without rows", rows);
    return 0;
  }
  if (file.format === "ndjson") return await routeLines(file, judge, rows);
  let count = 0;
  for await (const records of scanJsonArray(blocksOf(file))) {
    for (const { bytes, position } of records) judgeInto(file.number, position, bytes, judge, rows);
    count += records.length;
  }
  return count;
}

/** A dead letter for a whole file. */
export async function addCorruptedFile(
  file: Pick<LocalFile, "number" | "path" | "offset" | "size">,
  detail: string,
  rows: JudgedRows,
): Promise<void> {
  const { raw, note } = await fileText(file.path, file.size, file.offset);
  rows.addDeadLetter({
    file: file.number,
    position: null,
    reason: "corrupted_batch",
    detail: detail + note,
    raw,
    values: null,
  });
}

async function routeLines(file: LocalFile, judge: Judge, rows: JudgedRows): Promise<number> {
  let count = 0;
  const lines = scanNdjson(blocksOf(file));
  for (;;) {
    const next = await lines.next();
    if (next.done) {
      if (count === 0) {
        await addCorruptedFile(file, next.value.kind === "corrupt" ? next.value.detail : "no lines", rows);
      }
      return count;
    }
    for (const { bytes, position } of next.value) {
      judgeInto(file.number, position, bytes, judge, rows);
      count++;
    }
  }
}

function blocksOf({ path, offset = 0, size }: LocalFile): AsyncGenerator<Uint8Array> {
  return readFileBlocks(path, offset, offset + size);
}

function judgeInto(file: number, position: number, bytes: Uint8Array, judge: Judge, rows: JudgedRows): void {
  const judgement = judge.judgeBytes(bytes);
  const { raw, note } = bytesText(bytes);
  if (judgement.kind === "not_json") {
    const detail = judgement.detail + note;
    rows.addDeadLetter({ file, position, reason: "corrupted_record", detail, raw, values: null });
  } else {
    rows.add(file, position, raw, judgement);
  }
}
