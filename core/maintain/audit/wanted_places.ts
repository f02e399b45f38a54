import type { Json } from "../../base/json.ts";
import type { Connection } from "../../engine/duckdb.ts";
import { isOutOfMemory } from "../../engine/sql_error.ts";
import { schemaFromJson } from "../../iceberg/format/schema.ts";
import type { Field } from "../../iceberg/format/type.ts";
import type { JudgedFile, WantedRows } from "../../lake/judge_task.ts";
import type { TaskTable } from "../../lake/routing_task.ts";
import type { JudgedPart } from "../../routing/second_judge.ts";
import { type AskedRows, type Kind, parquetSql, PORTION_TABLE, wantedSql } from "./audit_sql.ts";
import { comingSql } from "./newest_sql.ts";
import type { Keys, PlaceFiles } from "./place_files.ts";
import { askedSql } from "./repeats_sql.ts";

/** Keeps of judged raw files where each record must be, and by which keys it may be missing. */
export class WantedPlaces {
  readonly rows: WantedRows;
  readonly places: PlaceFiles;
  readonly #connection: Connection;
  readonly #fields: Readonly<Record<Kind, readonly Field[]>>;

  private constructor(connection: Connection, places: PlaceFiles, rows: WantedRows) {
    this.#connection = connection;
    this.places = places;
    this.rows = rows;
    this.#fields = { "event": fieldsOf(rows.events), "dead letter": fieldsOf(rows.deadLetters) };
  }

  static async open(connection: Connection, places: PlaceFiles, rows: WantedRows): Promise<WantedPlaces> {
    await connection.run(PORTION_TABLE);
    return new WantedPlaces(connection, places, rows);
  }

  async keep(files: readonly JudgedFile[], parts: readonly JudgedPart[]): Promise<void> {
    await this.#connection.run("DELETE FROM portion_lines");
    await this.#connection.appendText(
      "portion_lines",
      files.map(({ name, batchId, replay = null, isLast }) => [name, batchId, replay, String(isLast)]),
    );
    for (const { events, deadLetters, replay } of parts) {
      await this.#keepOf("event", events, replay);
      await this.#keepOf("dead letter", deadLetters, replay);
    }
  }

  async #keepOf(kind: Kind, paths: readonly string[], replay: string | undefined): Promise<void> {
    if (paths.length === 0) return;
    const fields = this.#fields[kind], { keyings, upsert } = this.rows;
    if (kind === "event" && keyings.length > 0) {
      await this.#keepRows((rows) => askedSql(keyings, rows), { paths, replay }, "asked");
    }
    if (kind === "event" && upsert !== undefined) {
      await this.#keepRows((rows) => comingSql(upsert, fields, rows), { paths, replay }, "asked");
    }
    await this.#keepRows((rows) => wantedSql(kind, fields, rows), { paths, replay });
  }

  /** If memory is too small for all files, they are retried in halves. */
  async #keepRows(
    select: (rows: AskedRows) => string,
    { paths, replay }: Omit<AskedRows, "columns">,
    keys?: Keys,
  ): Promise<void> {
    const described = await this.#connection.rows(`DESCRIBE FROM ${parquetSql(paths)}`);
    const columns = new Set(described.map((row) => row.column_name as string));
    try {
      await this.places.keep(this.#connection, select({ paths, columns, replay }), keys);
    } catch (error) {
      if (!isOutOfMemory(error) || paths.length === 1) throw error;
      const middle = Math.ceil(paths.length / 2);
      await this.#keepRows(select, { paths: paths.slice(0, middle), replay }, keys);
      await this.#keepRows(select, { paths: paths.slice(middle), replay }, keys);
    }
  }
}

function fieldsOf({ schema }: TaskTable): readonly Field[] {
  return schemaFromJson(schema as Json).fields;
}
