import { JUDGE_FUNCTION } from "./sql/routing_sql.ts";
import type { Connection } from "../engine/duckdb.ts";
import { registerFunction } from "../engine/scalar_function.ts";

/**
 * The SQL function that records are handed to which are not plainly events. A database has one; who
 * uses it changes by batch.
 */
export interface JudgingFunction {
  visit: (file: number, position: number, record: string) => void;
}

export async function registerJudgingFunction(connection: Connection): Promise<JudgingFunction> {
  const judging: JudgingFunction = { visit: () => {} };
  await registerFunction(connection, {
    name: JUDGE_FUNCTION,
    parameters: ["INTEGER", "DOUBLE", "VARCHAR"],
    returns: "BOOLEAN",
    call(file, position, record) {
      judging.visit(file as number, position as number, record as string);
      return false;
    },
  });
  return judging;
}
