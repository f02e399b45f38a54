import type { Json } from "../../base/json.ts";
import { identifierText } from "../../iceberg/catalog/catalog.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { jsonAnswer } from "../answer.ts";
import { type ConsoleCall, isoOf, objectsOf } from "./console_call.ts";
import { tableSql } from "./lake_table.ts";
import { filterOf, letterConditions, letterTable, PLACE_SQL, whereOf } from "./letters.ts";
import { beginningsOf, periodsOf } from "./periods.ts";

/** The others are one group together, so that an answer has at most so many numbers a period. */
const GROUPS_MAX = 20;

const { deadLetterReason: REASON, ingestedAt: AT } = OUR_COLUMNS;

/** How many letters came in each hour or day, by reason and place in the record. */
export async function countLettersOverTime(call: ConsoleCall): Promise<Response> {
  const table = await letterTable(call);
  const asked = periodsOf(call, ["hour", "day"]);
  const { by, lengthMs, fromMs, toMs } = asked;
  const where = whereOf(letterConditions({ ...filterOf(call), fromMs, toMs }));
  const rows = objectsOf(
    await call.askAbout(
      [table],
      `WITH counted AS (SELECT epoch_ms(${AT}) // ${lengthMs} AS period, ${REASON} AS reason,
  ${PLACE_SQL} AS place, count(*) AS n FROM ${tableSql(table)} ${where} GROUP BY ALL),
top AS (SELECT reason, place, row_number() OVER (ORDER BY sum(n) DESC, reason, place) - 1 AS rank
  FROM counted GROUP BY reason, place QUALIFY rank < ${GROUPS_MAX})
SELECT period, rank, any_value(top.reason) AS reason, any_value(top.place) AS place, sum(n) AS n
FROM counted LEFT JOIN top USING (reason, place) GROUP BY period, rank ORDER BY period`,
    ),
  );
  const groups: { reason: string | null; place: string | null; count: number }[] = [];
  const counts = new Map<number, number[]>();
  for (const { period, rank, reason, place, n } of rows) {
    const at = Number(rank ?? GROUPS_MAX), count = Number(n);
    groups[at] ??= { reason: reason!, place: place!, count: 0 };
    groups[at].count += count;
    const own = counts.get(Number(period)) ?? [];
    own[at] = count;
    counts.set(Number(period), own);
  }
  const found = [...groups.keys()].filter((at) => groups[at] !== undefined);
  const periods = beginningsOf(asked).map((beginMs): Json => {
    const own = counts.get(beginMs / lengthMs) ?? [];
    return { at: isoOf(beginMs), counts: found.map((at) => own[at] ?? 0) };
  });
  return jsonAnswer(200, {
    table: identifierText(table),
    by,
    from: isoOf(fromMs),
    to: isoOf(toMs),
    groups: found.map((at) => groups[at]!),
    periods,
  });
}
