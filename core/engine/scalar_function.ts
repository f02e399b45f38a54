import type { Connection } from "./duckdb.ts";
import { loadNodeApi } from "./duckdb_library.ts";

/**
 * Makes a function (INTEGER, BIGINT, VARCHAR) → BOOLEAN of the whole database that hands every row to `visit` and returns false.
 * DuckDB calls it from its worker threads, a vector of rows at a time, and waits: rows of one pipeline come in order.
 * What `visit` throws fails the statement.
 */
export async function registerRowVisitor(
  connection: Connection,
  name: string,
  visit: (file: number, position: bigint, record: string) => void,
): Promise<void> {
  const { BIGINT, BOOLEAN, DuckDBScalarFunction, INTEGER, VARCHAR } = await loadNodeApi();
  connection.inner.registerScalarFunction(DuckDBScalarFunction.create({
    name,
    parameterTypes: [INTEGER, BIGINT, VARCHAR],
    returnType: BOOLEAN,
    // Without it DuckDB may fold, repeat or skip calls.
    volatile: true,
    mainFunction(_info, chunk, output) {
      const files = chunk.getColumnValues(0), positions = chunk.getColumnValues(1), records = chunk.getColumnValues(2);
      for (let row = 0; row < chunk.rowCount; row++) {
        visit(files[row] as number, positions[row] as bigint, records[row] as string);
        output.setItem(row, false);
      }
      output.flush();
    },
  }));
}
