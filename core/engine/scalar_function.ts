import type { Connection } from "./duckdb.ts";
import { loadNodeApi } from "./duckdb_library.ts";

type SqlType = "INTEGER" | "BIGINT" | "VARCHAR" | "BOOLEAN";

export interface ScalarFunction {
  name: string;
  parameters: readonly SqlType[];
  returns: SqlType;
  /** INTEGER comes as number, BIGINT as bigint; any argument may be null. */
  call(...values: unknown[]): number | bigint | string | boolean | null;
}

/**
 * Makes a SQL function of the whole database. DuckDB calls it from its worker threads, a vector of rows at a time, and waits:
 * rows of one pipeline come in order. What `call` throws fails the statement.
 */
export async function registerFunction(connection: Connection, definition: ScalarFunction): Promise<void> {
  const types = await loadNodeApi();
  const { parameters } = definition;
  connection.inner.registerScalarFunction(types.DuckDBScalarFunction.create({
    name: definition.name,
    parameterTypes: parameters.map((type) => types[type]),
    returnType: types[definition.returns],
    // Without it DuckDB may fold, repeat or skip calls.
    volatile: true,
    specialHandling: true,
    mainFunction(_info, chunk, output) {
      const columns = parameters.map((_type, index) => chunk.getColumnValues(index));
      for (let row = 0; row < chunk.rowCount; row++) {
        output.setItem(row, definition.call(...columns.map((column) => column[row])));
      }
      output.flush();
    },
  }));
}
