import type { Connection } from "./duckdb.ts";
import { loadNodeApi } from "./duckdb_library.ts";

/**
 * Of texts, together: a vector remembers those that it was asked for, and would hold the large ones
 * of two thousand rows at once. A slice of it has a memory of its own.
 */
const HELD_LENGTH_MAX = 4 << 20;

type SqlType = "INTEGER" | "DOUBLE" | "VARCHAR" | "BOOLEAN";

export interface ScalarFunction {
  name: string;
  /** Three at most. */
  parameters: readonly SqlType[];
  returns: SqlType;
  /**
   * Numbers come as numbers: a BIGINT column is best cast to DOUBLE, as a bigint for every row is
   * slow. Any argument may be null.
   */
  call(first: unknown, second: unknown, third: unknown): number | string | boolean | null;
}

/**
 * Makes a SQL function of the whole database. DuckDB calls it from its worker threads, a vector of
 * rows at a time, and waits: rows of one pipeline come in order. What `call` throws fails the
 * statement.
 */
export async function registerFunction(connection: Connection, definition: ScalarFunction): Promise<void> {
  const types = await loadNodeApi();
  const { parameters } = definition;
  connection.inner.registerScalarFunction(types.DuckDBScalarFunction.create({
    name: definition.name,
    parameterTypes: parameters.map((type) => types[type]),
    returnType: types[definition.returns],
    // Otherwise DuckDB may fold, repeat or skip calls.
    volatile: true,
    specialHandling: true,
    mainFunction(_info, chunk, output) {
      const whole = parameters.map((_type, index) => chunk.getColumnVector(index));
      let columns = whole, start = 0, held = 0;
      const count = chunk.rowCount;
      for (let row = 0; row < count; row++) {
        if (held > HELD_LENGTH_MAX) {
          columns = whole.map((column) => column.slice(row, count - row));
          start = row;
          held = 0;
        }
        const [first, second, third] = columns.map((column) => {
          const value: unknown = column.getItem(row - start);
          if (typeof value === "string") held += value.length;
          return value;
        });
        output.setItem(row, definition.call(first, second, third));
      }
      output.flush();
    },
  }));
}
