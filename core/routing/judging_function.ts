import { JUDGE_FUNCTION } from "./sql/routing_sql.ts";
import type { Connection } from "../engine/duckdb.ts";
import { registerFunction } from "../engine/scalar_function.ts";

/**
 * SQL calls it for every record that is not plainly an event. One per database; each batch installs
 * its own `visit`.
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
