import type { Random } from "../base/random.ts";
import { happens, oneOf } from "./choice.ts";
import { parquetWays } from "./corruption.ts";
import { draftTruth, truthOfDraft } from "./drafts.ts";
import { corruptedContent, type EventFileContent, type FileDrafts } from "./event_file.ts";
import type { Compression } from "../disk/decompress.ts";
import { type ColumnName, EventColumns, writeParquet } from "./parquet_columns.ts";
import type { RecordTruth } from "./truth.ts";

export interface ParquetFileOptions {
  compression: Compression;
  corruptionChance: number;
  /**
   * A file has one schema for all its rows, so the chance is a file's, and hits every row of it.
   */
  extraFieldsChance: number;
}

const REQUIRED_COLUMNS: readonly ColumnName[] = ["user_id", "event_id", "event_type", "event_timestamp"];
const EXTRA_COLUMN = "utm_source";

/**
 * Rows with typed columns, so fewer things can be wrong than in JSON: a required value is null,
 * alone or with all others (invalid_schema), and a column that the contract does not name, filled
 * in every row, makes each row extra_fields.
 */
export async function parquetFile(
  drafts: FileDrafts,
  random: Random,
  options: ParquetFileOptions,
): Promise<EventFileContent> {
  const isCorrupted = happens(random, options.corruptionChance);
  const way = isCorrupted ? oneOf(random, ["empty_file", ...Object.keys(parquetWays)]) : undefined;
  if (way === "empty_file") return corruptedContent(way, new Uint8Array());
  const extraColumn = happens(random, options.extraFieldsChance) ? EXTRA_COLUMN : undefined;
  const columns = new EventColumns(drafts.size, { country: drafts.isEvolved, extraColumn });
  const remarks = new Map<number, RecordTruth>();
  for (let position = 0; position < drafts.size; position++) {
    const draft = drafts.next(position);
    columns.set(position, draft.event);
    if (draft.flaw === "invalid") {
      const isAll = random.next() < 0.25;
      const column = oneOf(random, REQUIRED_COLUMNS);
      columns.clear(position, isAll ? columns.names : [column]);
      const broken = isAll ? { way: "all_null" } : { way: "null_required", field: `/${column}` };
      remarks.set(position, { disposition: "invalid_schema", ...broken, ...truthOfDraft(draft) });
      continue;
    }
    drafts.written(draft, position);
    const truth: RecordTruth | undefined = extraColumn === undefined
      ? draftTruth(draft)
      : { disposition: "extra_fields", way: "extra_column", field: `/${extraColumn}`, ...truthOfDraft(draft) };
    if (truth !== undefined) remarks.set(position, truth);
  }
  const bytes = await writeParquet(columns, options.compression);
  return way === undefined
    ? { bytes, corrupted: undefined, records: drafts.size, remarks }
    : corruptedContent(way, parquetWays[way]!(bytes, random));
}
