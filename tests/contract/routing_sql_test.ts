import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { Contract } from "../../core/contract/contract.ts";
import { Judge } from "../../core/contract/judge.ts";
import { plainPattern, shapeOf } from "../../core/contract/plain_pattern_sql.ts";
import { plainQuery } from "../../core/contract/routing_sql.ts";
import { type Connection, DuckDb, quoteText, type SqlRow } from "../../core/engine/duckdb.ts";
import { judgedRow, presentValues } from "../consume/judged_value.ts";
import { type JudgingFunction, registerJudgingFunction } from "../../core/consume/routing/judging_function.ts";
import { anyContract } from "./arbitrary_contract.ts";
import { anyRecord, type Style } from "./arbitrary_record.ts";

const REQUIRE_ALL = Deno.env.get("STREAMLAB_REQUIRE_ALL") === "1";

/** Routes records by SQL alone: those that it takes for plainly valid, by position; the others go to the judging function. */
class PlainRouting {
  private constructor(
    private readonly folder: string,
    private readonly connection: Connection,
    private readonly judging: JudgingFunction,
  ) {}

  static async use(action: (routing: PlainRouting) => Promise<void>): Promise<void> {
    const folder = await Deno.makeTempDir({ prefix: "streamlab-plain-" });
    const database = await DuckDb.open({ threads: 2 });
    const connection = await database.connect();
    try {
      await action(new PlainRouting(folder, connection, await registerJudgingFunction(connection)));
    } finally {
      connection.close();
      database.close();
      await Deno.remove(folder, { recursive: true });
    }
  }

  /** The plain rows as they come back from a Parquet file. `samples`: records that the orders of keys are learned from. */
  async route(
    contract: Contract,
    records: readonly string[],
    samples: readonly string[],
  ): Promise<Map<number, SqlRow>> {
    const handedOver: number[] = [];
    this.judging.visit = (_file, position, text) => {
      strictEqual(text, records[position]);
      handedOver.push(position);
    };
    await this.connection.run("CREATE OR REPLACE TEMP TABLE records (text VARCHAR)");
    await this.connection.appendText("records", records.map((text) => [text]));
    // DuckDB's reader hands over nothing else; what it takes for valid is more than JSON.
    const [{ valid }] = await this.connection.rows(
      "SELECT count(*)::INT AS valid FROM records WHERE json_valid(text)",
    ) as [
      { valid: number },
    ];
    const shapes = samples.flatMap((text) => shapeOf(parsed(text), contract) ?? []);
    const query = plainQuery({
      contract,
      pattern: plainPattern(contract, shapes),
      records:
        "SELECT 0::INTEGER AS file, 'f' AS name, rowid AS position, text AS record FROM records WHERE json_valid(text)",
      metadata: [["_position", "position"]],
    });
    const path = `${this.folder}/plain.parquet`;
    await this.connection.run(`COPY (${query}) TO ${quoteText(path)} (FORMAT parquet)`);
    const rows = await this.connection.rows(`FROM read_parquet(${quoteText(path)})`);
    const plain = new Map(rows.map((row) => [Number(row._position), row]));
    strictEqual(plain.size + new Set(handedOver).size, valid, "each record goes one way");
    strictEqual(rows.length + handedOver.length, valid, "and once");
    return plain;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function contractWithRecords(style: Style, most: number) {
  return anyContract.chain((contract) =>
    fc.record({
      contract: fc.constant(contract),
      records: fc.array(anyRecord(contract, style), { minLength: 1, maxLength: most, size: "max" }),
    })
  );
}

/** What SQL accepts is an event with the very values that the judge gives it. Returns how many it accepted. */
async function checkPlain(routing: PlainRouting, contract: Contract, records: string[]): Promise<number> {
  const judge = new Judge(contract, "dead-letter");
  const plain = await routing.route(contract, records, records.slice(0, 4));
  for (const [position, row] of plain) {
    const judgement = judge.judge(records[position]!);
    strictEqual(judgement.kind, "event", records[position]);
    ok(judgement.kind === "event");
    deepStrictEqual(judgedRow(contract, row), presentValues(judgement.values), records[position]);
  }
  return plain.size;
}

Deno.test("what SQL takes for plain is an event with the values that the judge gives it, for any contract", () =>
  PlainRouting.use(async (routing) => {
    await fc.assert(
      fc.asyncProperty(contractWithRecords("wild", 60), async ({ contract, records }) => {
        await checkPlain(routing, contract, records);
      }),
      { numRuns: REQUIRE_ALL ? 2_000 : 60, interruptAfterTimeLimit: REQUIRE_ALL ? 300_000 : 20_000 },
    );
  }));
