import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { quoteName, quotePath, quoteText } from "../../engine/duckdb.ts";
import type { Field } from "../../iceberg/format/type.ts";
import { rowPrintSql } from "../../tables/row_print_sql.ts";
import { sqlTypeOf } from "../../tables/sql_type.ts";

/** Which of the two tables a record is in. */
export type Kind = "event" | "dead letter";

/** The tables of an audit: every file of the ledger, and the findings about some of them. */
export const AUDIT_TABLES = `
SET preserve_insertion_order = false;
CREATE TEMP MACRO article(kind) AS CASE kind WHEN 'event' THEN 'an event' ELSE 'a dead letter' END;
CREATE TEMP MACRO counted(n, noun) AS n || ' ' || noun || CASE n WHEN 1 THEN '' ELSE 's' END;
CREATE TEMP TABLE ledger_lines (name VARCHAR, etag VARCHAR, size BIGINT, batch_id BIGINT, events BIGINT,
  dead_letters BIGINT, duplicates BIGINT, status VARCHAR);
CREATE TEMP TABLE states (name VARCHAR, batch_id VARCHAR, state VARCHAR);
CREATE TEMP TABLE guessed (batch_id VARCHAR)`;

/** The raw files whose rows are asked for; `replay` as in `BatchFile`. */
export const PORTION_TABLE = `
CREATE TEMP TABLE portion_lines (name VARCHAR, batch_id VARCHAR, replay VARCHAR, is_last VARCHAR);
CREATE TEMP VIEW portion AS SELECT name, batch_id::BIGINT AS batch_id, replay,
  coalesce(replay, batch_id)::BIGINT AS judged_as, is_last::BOOLEAN AS is_last FROM portion_lines`;

/** Columns that tell when and where from, not what. */
const originColumns: ReadonlySet<string> = new Set([
  OUR_COLUMNS.ingestedAt,
  OUR_COLUMNS.sourceFile,
  OUR_COLUMNS.sourcePosition,
  OUR_COLUMNS.batchId,
]);

/**
 * What of a row must be as its record says. Of a dead letter it is the record's text: how it was
 * explained may change.
 */
function printSql(
  kind: Kind,
  fields: readonly Field[],
  relation: string,
  present: (name: string) => boolean,
): string {
  const compared = fields.filter(({ name }) =>
    kind === "event" ? !originColumns.has(name) : name === OUR_COLUMNS.rawRecord
  );
  return rowPrintSql(compared, ({ name, type }) => {
    const value = present(name) ? `${relation}.${quoteName(name)}` : "NULL";
    return `CAST(${value} AS ${sqlTypeOf(type)})`;
  });
}

function reasonSql(kind: Kind): string {
  return kind === "event" ? "NULL::VARCHAR" : OUR_COLUMNS.deadLetterReason;
}

/** An empty set of places, so that the query works without any. */
export const NO_PLACES =
  `SELECT false AS wanted, ''::VARCHAR AS name, 0::BIGINT AS batch_id, 0::BIGINT AS judged_as, 0::BIGINT AS position,
  ''::VARCHAR AS kind, ''::VARCHAR AS reason, 0::UBIGINT AS print WHERE false`;

/**
 * A reingest takes away all that the tables have of a file of earlier batches, whatever its lines
 * say: from then on they ask for nothing, and must be settled by its own.
 */
const FORGET_REINGESTED = `CREATE TEMP TABLE reingests AS
SELECT name, max(batch_id) AS batch_id FROM ledger_lines WHERE status = 'reingested' GROUP BY name;
CREATE TEMP TABLE unsettled AS
SELECT name, any_value(reingests.batch_id) AS batch_id FROM ledger_lines AS line JOIN reingests USING (name)
WHERE line.batch_id < reingests.batch_id OR status = 'reingested' GROUP BY name
HAVING sum(events) <> 0 OR sum(dead_letters) <> 0;
DELETE FROM ledger_lines AS line USING reingests WHERE line.name = reingests.name
  AND (line.batch_id < reingests.batch_id OR line.status = 'reingested')`;

/**
 * The files that were ingested, of all lines of the target in the ledger; their counts with what
 * replays have moved since. Rows of a replay have its batch: `replayed_from` has that of the file.
 */
export const TAKE_FILES = `${FORGET_REINGESTED};
CREATE TEMP TABLE files AS
SELECT name, etag, any_value(size) AS size, batch_id,
  any_value(events) + coalesce(any_value(more_events), 0) AS events,
  any_value(dead_letters) + coalesce(any_value(more_letters), 0) AS dead_letters,
  any_value(duplicates) AS duplicates, sum(count(*)) OVER (PARTITION BY name, etag)::BIGINT AS times, 'same' AS state
FROM ledger_lines LEFT JOIN (
  SELECT name, etag, sum(events)::BIGINT AS more_events, sum(dead_letters)::BIGINT AS more_letters
  FROM ledger_lines WHERE status = 'replayed' GROUP BY name, etag
) USING (name, etag) WHERE status = 'ingested' GROUP BY name, etag, batch_id;
CREATE TEMP TABLE replayed_from AS
SELECT replays.name, replays.batch_id AS replay_id, any_value(files.batch_id) AS batch_id
FROM ledger_lines AS replays JOIN files USING (name, etag) WHERE replays.status = 'replayed'
GROUP BY replays.name, replays.batch_id;
CREATE TEMP VIEW judged_files AS SELECT *, batch_id AS judged_as FROM files UNION ALL
SELECT files.*, replay_id AS judged_as FROM files JOIN replayed_from USING (name, batch_id)`;

/** Batches by what the ledger says of them. */
export interface BatchRange {
  /** The last one that is looked at. */
  last: bigint;
  /** Later ones up to this one are in flight; the ledger has none beyond. */
  underWay: bigint;
}

/** Rows of one of the tables, without those of batches in flight. */
export function foundSql(kind: Kind, fields: readonly Field[], select: string, { last, underWay }: BatchRange): string {
  const { sourceFile, batchId, sourcePosition } = OUR_COLUMNS;
  return `SELECT false AS wanted, ${sourceFile} AS name, ${batchId} AS batch_id, ${batchId} AS judged_as,
  ${sourcePosition} AS position, ${quoteText(kind)} AS kind, ${reasonSql(kind)} AS reason, ${
    printSql(kind, fields, "found", () => true)
  } AS print FROM (${select}) AS found WHERE ${batchId} <= ${last} OR ${batchId} > ${underWay}`;
}

/** Rows that raw files ask for, from local files with columns by name. */
export function wantedSql(
  kind: Kind,
  fields: readonly Field[],
  { paths, columns, replay }: AskedRows,
): string {
  const { sourceFile, sourcePosition } = OUR_COLUMNS;
  return `SELECT true AS wanted, portion.name, portion.batch_id, portion.judged_as,
  judged.${sourcePosition} AS position, ${quoteText(kind)} AS kind,
  ${reasonSql(kind)} AS reason, ${printSql(kind, fields, "judged", (name) => columns.has(name))} AS print
FROM ${parquetSql(paths)} AS judged
JOIN portion ON portion.name = judged.${sourceFile} AND ${judgedBySql(replay)}`;
}

/** Rows that raw files ask for, once they were judged again. */
export interface AskedRows {
  /** Local Parquet files, and the columns that they have. */
  paths: readonly string[];
  columns: ReadonlySet<string>;
  /** Decimal; undefined: by the rules of their own batches. */
  replay: string | undefined;
}

/** Of the portion the files that were judged by these rules. */
export function judgedBySql(replay: string | undefined): string {
  return `portion.replay IS NOT DISTINCT FROM ${replay === undefined ? "NULL" : quoteText(replay)}`;
}

export function parquetSql(paths: readonly string[]): string {
  return `read_parquet([${paths.map(quotePath).join(", ")}], union_by_name = true, hive_partitioning = false)`;
}

/**
 * Every record where it must be (`wanted`) and where it is, from the files that hold the answers to
 * the queries above. What a replay has moved must be as its rules say, the rest as its batch's do.
 */
export function placesSql(glob: string): string {
  const kept = `read_parquet(${quoteText(glob)})`;
  return `CREATE TEMP TABLE moved AS
SELECT r.name, r.batch_id, p.position, max(r.replay_id) AS replay_id
FROM ${kept} AS p JOIN replayed_from AS r ON r.name = p.name AND r.replay_id = p.batch_id
WHERE NOT p.wanted GROUP BY ALL;
CREATE TEMP VIEW places AS
SELECT p.* REPLACE (CASE WHEN p.wanted THEN p.batch_id ELSE coalesce(r.batch_id, p.batch_id) END AS batch_id)
FROM ${kept} AS p LEFT JOIN replayed_from AS r ON r.name = p.name AND r.replay_id = p.batch_id
LEFT JOIN moved AS m ON m.name = p.name AND m.batch_id = p.batch_id AND m.position = p.position
WHERE NOT p.wanted OR p.judged_as = coalesce(m.replay_id, p.batch_id)`;
}

/**
 * Adds the findings about raw files. One that is judged by two rules may change or go between the
 * two, whichever is told first: not all of its rows are known then. Of states the worst is the
 * first by the alphabet.
 */
export const TAKE_STATES = `UPDATE files SET state = least(files.state, found.state)
FROM (SELECT name, batch_id, min(state) AS state FROM states GROUP BY name, batch_id) AS found
WHERE found.name = files.name AND found.batch_id = files.batch_id::VARCHAR;
DELETE FROM states`;

/** Events that are gone from the table, of batches up to one of them. */
export interface RemovedEvents {
  through: number;
  events: number;
  /** By newer records of their keys; else `maintain --dedupe-by` has removed them. */
  areReplaced: boolean;
}

/**
 * Compares, record by record where the raw file is the one that was ingested, else by the ledger's
 * counts. `target`: the table of events.
 */
export function compareSql(target: string, removed: RemovedEvents): string {
  return `CREATE TEMP MACRO removed_from(batch_id, told, found) AS
  CASE WHEN batch_id <= ${removed.through} THEN greatest(told - coalesce(found, 0), 0) ELSE 0 END;
CREATE TEMP VIEW left_out AS SELECT DISTINCT * FROM (FROM dropped_rightly UNION ALL FROM removed_rightly);
${compareRecordsSql(removed.areReplaced ? "superseded record" : "dropped repeat")};
INSERT INTO discrepancies
SELECT ${quoteText(target)}, ${removed.through}, NULL,
  'lacks ' || counted(missing, 'event') || ' that the ledger has, and ' || ${removed.events} || ' were ${
    removed.areReplaced ? "replaced by newer records" : "removed as repeats"
  }'
FROM (SELECT coalesce(sum(removed_from(files.batch_id, files.events, counts.events)), 0)::BIGINT AS missing
  FROM files LEFT JOIN counts USING (name, batch_id))
WHERE missing <> ${removed.events}`;
}

/** `leftOut`: what a record is called that is rightly in no table. */
const compareRecordsSql = (leftOut: string) => `
-- Of a file whose new content was ingested in its turn, the old content is gone.
UPDATE files SET state = 'gone' WHERE state = 'changed' AND name IN (SELECT name FROM files WHERE state = 'same');

CREATE TEMP TABLE records AS
SELECT name, batch_id, position,
  count(*) FILTER (wanted) AS wanted, count(*) FILTER (NOT wanted) AS found,
  max(kind) FILTER (wanted) AS wanted_kind, max(kind) FILTER (NOT wanted) AS found_kind,
  max(reason) FILTER (wanted) AS wanted_reason, max(reason) FILTER (NOT wanted) AS found_reason,
  max(print) FILTER (wanted) AS wanted_print, max(print) FILTER (NOT wanted) AS found_print
FROM places SEMI JOIN (SELECT name, batch_id FROM files WHERE state = 'same') USING (name, batch_id)
GROUP BY name, batch_id, position;

CREATE TEMP TABLE counts AS
SELECT name, batch_id, count(*) FILTER (kind = 'event') AS events, count(*) FILTER (kind = 'dead letter') AS dead_letters
FROM places WHERE NOT wanted GROUP BY name, batch_id;

-- Where the ledger counted what the tables hold, and all records that are elsewhere are in the same one, it was another contract's word.
CREATE TEMP TABLE judged_otherwise AS
SELECT name, batch_id FROM records JOIN files USING (name, batch_id) JOIN counts USING (name, batch_id)
WHERE wanted = 1 AND found = 1 AND wanted_kind <> found_kind
  AND files.events = counts.events + removed_from(files.batch_id, files.events, counts.events)
  AND files.dead_letters = counts.dead_letters
GROUP BY name, batch_id HAVING min(found_kind) = max(found_kind);

CREATE TEMP TABLE discrepancies AS
SELECT name, batch_id, position, CASE
    WHEN found = 0 THEN 'is in no table: it must be ' || article(wanted_kind)
    WHEN wanted = 0 THEN 'is in the tables ' || counted(found, 'time') || ', and not in the file'
    WHEN found > 1 THEN 'is in the tables ' || counted(found, 'time')
    WHEN wanted_kind <> found_kind THEN 'is ' || article(found_kind) || ', and by this contract must be ' || article(wanted_kind)
    WHEN wanted_reason <> found_reason THEN 'is a dead letter by ' || found_reason || ', and by this contract must be one by ' || wanted_reason
    WHEN guessed.batch_id IS NULL THEN 'is not what the file says: it was altered'
    ELSE 'is not what this contract makes of it' END
  || CASE WHEN guessed.batch_id IS NULL THEN '' ELSE '; the contract of its batch is not remembered' END AS problem
-- A repeat that was dropped on purpose is counted in the ledger, and one that was removed later in the table; neither is kept.
FROM records LEFT JOIN left_out AS deduped USING (name, batch_id, position) LEFT JOIN judged_otherwise AS otherwise USING (name, batch_id)
LEFT JOIN (SELECT DISTINCT batch_id::BIGINT AS batch_id FROM guessed) AS guessed USING (batch_id)
WHERE (found = 0 AND deduped.name IS NULL) OR wanted = 0 OR found > 1
  OR (wanted_kind <> found_kind AND otherwise.name IS NULL)
  OR (wanted_kind = found_kind AND (wanted_print <> found_print OR wanted_reason <> found_reason))
UNION ALL
SELECT name, batch_id, NULL, 'has ' || counted(events + dead_letters, 'row') || ' in the tables, and no line in the ledger'
FROM counts ANTI JOIN files USING (name, batch_id)
UNION ALL
SELECT name, batch_id, NULL, 'is in the ledger ' || counted(times, 'time') FROM files WHERE times > 1
UNION ALL
SELECT name, batch_id, NULL, 'was reingested, and the ledger does not take away what it had of it' FROM unsettled
UNION ALL
SELECT name, batch_id, position, problem FROM kept_wrongly
UNION ALL
SELECT name, batch_id, NULL, 'has ' || counted(coalesce(repeats, 0) - gone, '${leftOut}') || ', ' || duplicates || ' by the ledger'
FROM (
  SELECT files.*, removed_from(files.batch_id, files.events, counts.events) AS gone
  FROM files LEFT JOIN counts USING (name, batch_id)
) LEFT JOIN (
  SELECT name, batch_id, count(*) AS repeats FROM left_out GROUP BY name, batch_id
) USING (name, batch_id) WHERE state = 'same' AND duplicates <> coalesce(repeats, 0) - gone
UNION ALL
SELECT name, batch_id, NULL, 'has changed since it was ingested: its records cannot be checked'
FROM files WHERE state = 'changed';

INSERT INTO discrepancies
SELECT name, batch_id, NULL, 'has ' || counted(coalesce(counts.events, 0), 'event') || ' and '
  || counted(coalesce(counts.dead_letters, 0), 'dead letter') || ' in the tables, ' || files.events || ' and ' || files.dead_letters || ' by the ledger'
FROM files LEFT JOIN counts USING (name, batch_id) ANTI JOIN discrepancies USING (name, batch_id)
WHERE files.events <> coalesce(counts.events, 0) + removed_from(files.batch_id, files.events, counts.events) OR files.dead_letters <> coalesce(counts.dead_letters, 0)`;

/**
 * Records that another contract sent to one table, and the one of today would send to the other.
 */
export const MISPLACED_SQL = `SELECT count(*) AS records FROM records SEMI JOIN judged_otherwise USING (name, batch_id)
WHERE wanted = 1 AND found = 1 AND wanted_kind <> found_kind`;
