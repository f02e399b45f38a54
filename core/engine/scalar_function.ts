import type { Connection } from "./duckdb.ts";
import { loadNodeApi } from "./duckdb_library.ts";

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
      const [first = [], second = [], third = []] = parameters.map((_type, index) => chunk.getColumnValues(index));
      for (let row = 0; row < chunk.rowCount; row++) {
        output.setItem(row, definition.call(first[row], second[row], third[row]));
      }
      output.flush();
    },
  }));
}
