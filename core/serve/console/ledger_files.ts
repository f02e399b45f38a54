import { quoteName, quoteText } from "../../engine/duckdb.ts";
import { identifierText } from "../../iceberg/catalog/catalog.ts";
import { LEDGER_COLUMNS } from "../../lake/our_columns.ts";
import { LEDGER } from "../../lake/table_names.ts";
import { jsonAnswer } from "../answer.ts";
import { type ConsoleCall, isoOf, objectsOf } from "./console_call.ts";

const FILES_DEFAULT = 50;
const FILES_MAX = 500;
const OFFSET_MAX = 10_000;

/** Raw files of the ledger, the newest first, of those that the address asks for. */
export async function listFiles(call: ConsoleCall): Promise<Response> {
  const { table, sourceFile, status, batchId, etag, size, ingestedAt } = LEDGER_COLUMNS;
  const { records, events, deadLetters, duplicates, superseded } = LEDGER_COLUMNS;
  const limit = Math.max(1, call.count("limit", FILES_DEFAULT, FILES_MAX)),
    offset = call.count("offset", 0, OFFSET_MAX);
  const find = call.optional("find") ?? "", batch = call.wholeNumber("batch");
  const conditions = [["target", table], ["status", status]].flatMap(([name, column]) => {
    const wanted = call.optional(name!);
    return wanted === undefined || wanted === "" ? [] : [`${quoteName(column!)} = ${quoteText(wanted)}`];
  });
  if (find !== "") conditions.push(`contains(lower(${sourceFile}), lower(${quoteText(find)}))`);
  if (batch !== undefined) conditions.push(`${batchId} = ${batch}`);
  const { state } = await call.parts.watch.glance();
  const letterTables = new Map(state?.ingestion.map(({ table, deadLetterTable }) => [table, deadLetterTable]));
  const ledger = state?.tables.find(({ table }) => table === identifierText(LEDGER));
  // It has the column since a target of the lake is upserted.
  const superseding = ledger?.columns.includes(superseded) ? superseded : "NULL";
  const rows = ledger === undefined ? [] : objectsOf(
    await call.askAbout(
      [LEDGER],
      `SELECT ${quoteName(table)} AS target, ${sourceFile}, ${etag}, ${size}, ${batchId}, ${records}, ${events},
  ${deadLetters}, ${duplicates}, ${superseding} AS ${superseded}, ${status}, epoch_ms(${ingestedAt}) AS at
FROM ${identifierText(LEDGER)} ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}
ORDER BY ${ingestedAt} DESC, ${batchId} DESC, ${sourceFile} LIMIT ${limit + 1} OFFSET ${offset}`,
    ),
  );
  return jsonAnswer(200, {
    files: rows.slice(0, limit).map((row) => ({
      target: row.target!,
      deadLetterTable: letterTables.get(row.target!) ?? null,
      sourceFile: row[sourceFile]!,
      etag: row[etag]!,
      bytes: Number(row[size]),
      batchId: Number(row[batchId]),
      records: Number(row[records]),
      events: Number(row[events]),
      deadLetters: Number(row[deadLetters]),
      duplicates: Number(row[duplicates]),
      superseded: row[superseded] === null ? null : Number(row[superseded]),
      status: row[status]!,
      ingestedAt: isoOf(Number(row.at)),
    })),
    hasMore: rows.length > limit,
  });
}
