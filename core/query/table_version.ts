/**
 * `bronze.events AT (VERSION => …)`: DuckDB reads the clause, but has no past of the tables that
 * stand in for the lake's. So a table with a clause is asked for by a name of its own, and the
 * clause is taken out. What stays keeps its place in the text, for the places of errors.
 */
import { StreamlabError } from "../base/errors.ts";
import type { Connection } from "../engine/duckdb.ts";
import type { TimeTravel } from "./time_travel.ts";
import { findAtClause, isBlank, skipBlank } from "./sql_text.ts";

/** What stands in the parentheses of AT. */
export interface TableVersion {
  unit: "version" | "timestamp";
  /** SQL of a constant. */
  expression: string;
}

/** A table with a clause, as DuckDB's parser found it. */
export interface VersionedTable {
  /** Where its name begins, in bytes. */
  location: number;
  namespace: string;
}

export interface Unversioned {
  /** The statement without clauses. */
  statement: string;
  /** By the namespace that now stands in the place of the table's own. */
  versions: Map<string, { namespace: string; version: TableVersion }>;
}

/** `taken`: namespaces that the statement names. */
export function withoutVersions(
  statement: string,
  tables: readonly VersionedTable[],
  taken: ReadonlySet<string>,
): Unversioned {
  const versions: Unversioned["versions"] = new Map();
  const bytes = new TextEncoder().encode(statement);
  let text = statement;
  let number = 0;
  // From the last to the first: what is replaced moves only what is behind it.
  const byPlace = new Map(tables.map((table) => [table.location, table]));
  for (const { location, namespace } of [...byPlace.values()].sort((a, b) => b.location - a.location)) {
    do number++; while (taken.has(`_${number}`));
    const name = `_${number}`;
    const from = new TextDecoder().decode(bytes.subarray(0, location)).length;
    const [own = ""] = /^("(?:[^"]|"")*"|[^\s."]+)/.exec(text.slice(from)) ?? [];
    const clause = findAtClause(text, from + own.length);
    if (text[skipBlank(text, from + own.length)] !== "." || clause === undefined) throw unreadable();
    const cleared = text.slice(clause.from, clause.to).replace(/[^\n\r]/g, " ");
    text = text.slice(0, from) + name.padEnd(own.length) + text.slice(from + own.length, clause.from) + cleared +
      text.slice(clause.to);
    versions.set(name, { namespace, version: { unit: clause.unit, expression: clause.expression } });
  }
  return { statement: text, versions };
}

export function unreadable(): StreamlabError {
  return new StreamlabError("usage", "Cannot run this SQL: AT (…) is not behind a table of the lake", {
    hint: "Write bronze.events AT (VERSION => 123) or AT (TIMESTAMP => '2026-03-01 12:00:00Z')",
  });
}

/** What helps where DuckDB's parser stopped at or behind a clause. */
export function versionHint(statement: string, position: number): string | undefined {
  for (let clause = findAtClause(statement, 0); clause; clause = findAtClause(statement, clause.to)) {
    if (clause.from === position) return "AT (…) stands behind a table after FROM: DESCRIBE FROM bronze.events AT (…)";
    if (clause.to <= position && isBlank(statement.slice(clause.to, position))) {
      return "An alias stands before AT: bronze.events e AT (…)";
    }
  }
  return undefined;
}

/** SQL that computes the constant: it has to be checked like any question. */
export function versionSelect({ unit, expression }: TableVersion): string {
  // The expression stands on lines of its own: it may end with a comment.
  const value = `(\n${expression}\n)`;
  return unit === "version"
    ? `SELECT TRY_CAST(${value} AS BIGINT) AS version`
    : `SELECT epoch_ms(TRY_CAST(${value} AS TIMESTAMPTZ)) AS version`;
}

/** To be asked in a DuckDB that is closed off and has the question's time zone. */
export async function travelOf(connection: Connection, version: TableVersion): Promise<TimeTravel> {
  const [row] = await connection.rows(versionSelect(version));
  const { unit } = version;
  if (typeof row!.version === "bigint") {
    return unit === "version" ? { snapshotId: row!.version } : { asOfMs: Number(row!.version) };
  }
  const wanted = unit === "version" ? "the id of a snapshot" : "an instant";
  throw new StreamlabError("usage", `Cannot run this SQL: AT (${unit.toUpperCase()} => …) takes ${wanted}`, {
    hint: `The snapshots of bronze.events are in bronze."events$snapshots"`,
  });
}
