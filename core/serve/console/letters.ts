import type { Json } from "../../base/json.ts";
import { quoteName, quoteText } from "../../engine/duckdb.ts";
import { identifierText, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { LEDGER_COLUMNS, OUR_COLUMNS } from "../../lake/our_columns.ts";
import { holdsDeadLetters, LEDGER } from "../../lake/table_names.ts";
import { jsonAnswer } from "../answer.ts";
import { badRequest, HttpRefusal } from "../http_refusal.ts";
import { type ConsoleCall, isoOf, objectsOf } from "./console_call.ts";
import { namedTable, tableSql } from "./lake_table.ts";

/** Of an answer's column: no table has one of that name, for those that begin so are ours. */
const PLACE = "_place";
const GROUPS_MAX = 200;
const LETTERS_MAX = 200;
const OFFSET_MAX = 10_000;
/** Of a record in a list. */
const SHOWN_LETTERS = 300;

const { deadLetterReason: REASON, deadLetterDetail: DETAIL, rawRecord: RECORD } = OUR_COLUMNS;
const { sourceFile: FILE, sourcePosition: POSITION, batchId: BATCH, ingestedAt: AT } = OUR_COLUMNS;
/** The first place that the detail names in the record, a JSON pointer; empty for none. */
export const PLACE_SQL =
  `regexp_extract(coalesce(${DETAIL}, ''), '^(?:expected only fields that the contract names, found )?(/[^:, ]*)', 1)`;

/** How many letters a table has by reason and place in the record, the most frequent first. */
export async function countLetters(call: ConsoleCall): Promise<Response> {
  const table = await letterTable(call);
  const where = whereOf(letterConditions(filterOf(call)));
  const rows = objectsOf(
    await call.askAbout(
      [table],
      `SELECT ${REASON} AS reason, ${PLACE_SQL} AS place, count(*) AS n,
  epoch_ms(max(${AT})) AS last, any_value(left(${DETAIL}, ${SHOWN_LETTERS})) AS detail
FROM ${tableSql(table)} ${where} GROUP BY 1, 2 ORDER BY n DESC, 1, 2 LIMIT ${GROUPS_MAX}`,
    ),
  );
  const groups = rows.map(({ reason, place, n, last, detail }) => ({
    reason: reason!,
    place: place!,
    count: Number(n),
    lastAt: isoOf(Number(last)),
    exampleDetail: detail!,
  }));
  return jsonAnswer(200, { table: identifierText(table), groups });
}

/** Letters of one reason, or of one reason and place, the newest first; records are cut. */
export async function listLetters(call: ConsoleCall): Promise<Response> {
  const table = await letterTable(call);
  const limit = Math.max(1, call.count("limit", 50, LETTERS_MAX)), offset = call.count("offset", 0, OFFSET_MAX);
  const where = whereOf(letterConditions(filterOf(call)));
  const rows = objectsOf(
    await call.askAbout(
      [table],
      `SELECT ${REASON} AS reason, left(${DETAIL}, ${SHOWN_LETTERS}) AS detail, ${FILE} AS file,
  ${POSITION} AS position, ${BATCH} AS batch, epoch_ms(${AT}) AS at, left(${RECORD}, ${SHOWN_LETTERS}) AS record,
  length(${RECORD}) AS letters
FROM ${tableSql(table)} ${where}
ORDER BY ${AT} DESC, ${BATCH} DESC, ${FILE}, ${POSITION} LIMIT ${limit + 1} OFFSET ${offset}`,
    ),
  );
  return jsonAnswer(200, {
    table: identifierText(table),
    letters: rows.slice(0, limit).map(({ reason, detail, file, position, batch, at, record, letters }) => ({
      reason: reason!,
      detail: detail!,
      sourceFile: file!,
      sourcePosition: position === null ? null : Number(position),
      batchId: Number(batch),
      ingestedAt: isoOf(Number(at)),
      record: record!,
      isCut: Number(letters) > SHOWN_LETTERS,
    })),
    hasMore: rows.length > limit,
  });
}

/** Which letters of a table; whatever is undefined chooses none of them out. */
export interface LetterFilter {
  reason: string | undefined;
  place: string | undefined;
  /** Ingested from an instant on, and before another; milliseconds since 1970. */
  fromMs: number | undefined;
  toMs: number | undefined;
}

/** What the address says of it. */
export function filterOf(call: ConsoleCall): LetterFilter {
  return {
    reason: call.optional("reason"),
    place: call.optional("place"),
    fromMs: call.instant("from"),
    toMs: call.instant("to"),
  };
}

/** In SQL, over the columns of a table of letters. */
export function letterConditions({ reason, place, fromMs, toMs }: LetterFilter): string[] {
  const texts = ([[reason, REASON], [place, PLACE_SQL]] as const).flatMap(([wanted, sql]) =>
    wanted === undefined ? [] : [`${sql} = ${quoteText(wanted)}`]
  );
  // As literals: by these the files of other days are not even opened.
  const times = ([[">=", fromMs], ["<", toMs]] as const).flatMap(([operator, ms]) =>
    ms === undefined ? [] : [`${AT} ${operator} TIMESTAMPTZ '${new Date(ms).toISOString()}'`]
  );
  return [...texts, ...times];
}

export function whereOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
}

/** One letter whole, with what the ledger knows of the file that it came from. */
export async function showLetter(call: ConsoleCall): Promise<Response> {
  const table = await letterTable(call);
  const file = call.required("file"), position = call.wholeNumber("position"), batch = call.wholeNumber("batch");
  if (batch === undefined) throw badRequest("Cannot answer: the address lacks batch");
  const found = await call.askAbout(
    [table],
    `SELECT *, ${PLACE_SQL} AS ${PLACE} FROM ${tableSql(table)} WHERE ${FILE} = ${
      quoteText(file)
    } AND ${BATCH} = ${batch}
AND ${POSITION} IS NOT DISTINCT FROM ${position ?? "NULL"}`,
    1,
  );
  const [row] = found.rows;
  if (row === undefined) throw new HttpRefusal(404, "NoSuchLetterException", "There is no such letter: it may be gone");
  const values = new Map(found.columns.map(({ name }, index) => [name, row[index]!]));
  const parsed = found.columns.filter(({ name }) => !name.startsWith("_"));
  return jsonAnswer(200, {
    table: identifierText(table),
    reason: values.get(REASON) ?? null,
    detail: values.get(DETAIL) ?? null,
    place: values.get(PLACE) ?? "",
    record: values.get(RECORD) ?? null,
    isCut: found.cut?.startsWith("of long texts") ?? false,
    ingestedAt: values.get(AT) ?? null,
    parsed: parsed.map(({ name, type }) => ({ name, type, value: values.get(name) ?? null })),
    source: { file, position: position === undefined ? null : Number(position), batchId: Number(batch) },
    ledger: await ledgerOf(call, file, batch),
  });
}

async function ledgerOf(call: ConsoleCall, file: string, batch: bigint): Promise<Json> {
  const { sourceFile, batchId, etag, size, records, events, deadLetters, status, table } = LEDGER_COLUMNS;
  const [row] = objectsOf(
    await call.askAbout(
      [LEDGER],
      `SELECT ${quoteName(table)} AS target, ${etag}, ${size}, ${records}, ${events}, ${deadLetters}, ${status}
FROM ${tableSql(LEDGER)} WHERE ${sourceFile} = ${quoteText(file)} AND ${batchId} = ${batch}
  AND ${status} <> 'reingested' LIMIT 1`,
    ),
  );
  if (row === undefined) return null;
  const count = (name: string) => Number(row[name]);
  return {
    target: row.target!,
    etag: row[etag]!,
    bytes: count(size),
    records: count(records),
    events: count(events),
    deadLetters: count(deadLetters),
    status: row[status]!,
  };
}

export async function letterTable(call: ConsoleCall, name?: string): Promise<TableIdentifier> {
  const table = await namedTable(call, name);
  if (holdsDeadLetters(table)) return table;
  throw badRequest(`Cannot show letters of ${identifierText(table)}: it is no table of dead letters`);
}
