import { type Connection, DuckDb, quoteText } from "../engine/duckdb.ts";
import type { Catalog } from "../iceberg/catalog/catalog.ts";
import { listedStatements } from "./listed_tables.ts";
import { functionVerdict } from "./sql_functions.ts";
import { closeOff } from "./sql_session.ts";

/** What a question can begin with. */
const FIRST_WORDS = ["select", "from", "with", "describe", "show", "summarize", "explain", "values", "table", "("];

/** With nothing typed yet every word would do: only what the lake has is offered. */
const LAKE_KINDS = ["schema", "table", "column"];

/** Completes questions by DuckDB's `sql_auto_complete`, over empty tables named as the lake's. */
export class Completion {
  readonly #database: DuckDb;
  readonly #connection: Connection;

  private constructor(database: DuckDb, connection: Connection) {
    this.#database = database;
    this.#connection = connection;
  }

  static async open(catalog: Catalog): Promise<Completion> {
    const statements = await listedStatements(catalog);
    const database = await DuckDb.open({ threads: 1 });
    try {
      const connection = await database.connect();
      for (const statement of statements) await connection.run(statement);
      // It completes names of files, too, unless none can be opened.
      await closeOff(connection, []);
      return new Completion(database, connection);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /**
   * What could stand where the text of a statement ends: the candidates and the part of the text
   * that they complete.
   */
  async candidates(text: string): Promise<[string[], string]> {
    const rows = await this.#connection.rows(
      `SELECT suggestion, suggestion_start, suggestion_type FROM sql_auto_complete(${quoteText(text)})`,
    );
    const bytes = new TextEncoder().encode(text);
    const found = rows.map((row) => ({
      text: String(row.suggestion).trimEnd(),
      word: new TextDecoder().decode(bytes.subarray(Number(row.suggestion_start))),
      kind: String(row.suggestion_type),
    }));
    // DuckDB offers similar words, too.
    const fitting = found.filter(({ text: candidate, word, kind }) =>
      candidate.toLowerCase().startsWith(word.toLowerCase()) && (word !== "" || LAKE_KINDS.includes(kind))
    );
    const word = fitting[0]?.word ?? "";
    const isFirst = text.trim() === word.trim();
    const allowed = fitting.filter((each) => {
      return each.word === word && isAllowed(each.text, each.kind) &&
        (!isFirst || FIRST_WORDS.includes(each.text.toLowerCase()));
    });
    return [[...new Set(allowed.map((each) => each.text))], word];
  }

  close(): void {
    this.#database.close();
  }
}

function isAllowed(name: string, kind: string): boolean {
  const place = kind === "table_function" ? "from" : kind === "scalar_function" ? "expression" : undefined;
  return place === undefined || functionVerdict(name.replaceAll('"', ""), place)?.allowed === true;
}
