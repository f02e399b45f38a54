import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import fc from "../support/property.ts";
import type { Contract } from "../../core/contract/contract.ts";
import { defaultContract } from "../../core/contract/default_contract.ts";
import { parseContract } from "../../core/contract/json_schema.ts";
import { Judge } from "../../core/contract/judge.ts";
import { plainPattern, shapeOf } from "../../core/routing/sql/plain_pattern_sql.ts";
import { recordQuery } from "../../core/routing/sql/record_query.ts";
import { plainQuery } from "../../core/routing/sql/routing_sql.ts";
import { type Connection, DuckDb, quoteText, type SqlRow } from "../../core/engine/duckdb.ts";
import { judgedRow, presentValues } from "../consume/judged_value.ts";
import { type JudgingFunction, registerJudgingFunction } from "../../core/routing/judging_function.ts";
import { anyContract, conditionedContract } from "../contract/arbitrary_contract.ts";
import { anyRecord, type Style } from "../contract/arbitrary_record.ts";
import { isThorough } from "../support/thorough.ts";

/**
 * Routes records by SQL alone: those that it takes for plainly valid, by position; the others go to
 * the judging function.
 */
class PlainRouting {
  readonly #folder: string;
  readonly #connection: Connection;
  readonly #judging: JudgingFunction;

  private constructor(folder: string, connection: Connection, judging: JudgingFunction) {
    this.#folder = folder;
    this.#connection = connection;
    this.#judging = judging;
  }

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

  /**
   * The plain rows as they come back from a Parquet file. `samples`: records that the orders of
   * keys are learned from.
   */
  async route(
    contract: Contract,
    records: readonly string[],
    samples: readonly string[],
  ): Promise<Map<number, SqlRow>> {
    const handedOver: number[] = [];
    this.#judging.visit = (_file, position, text) => {
      strictEqual(text, records[position]);
      handedOver.push(position);
    };
    const query = await this.#query(contract, samples);
    await this.#connection.appendText("records", records.map((text) => [text]));
    // DuckDB's reader hands over nothing else; what it takes for valid is more than JSON.
    const [{ valid }] = await this.#connection.rows(
      "SELECT count(*)::INT AS valid FROM records WHERE json_valid(text)",
    ) as [
      { valid: number },
    ];
    const path = `${this.#folder}/plain.parquet`;
    await this.#connection.run(`COPY (${query}) TO ${quoteText(path)} (FORMAT parquet)`);
    const rows = await this.#connection.rows(`FROM read_parquet(${quoteText(path)})`);
    const plain = new Map(rows.map((row) => [Number(row._at), row]));
    strictEqual(plain.size + new Set(handedOver).size, valid, "each record goes one way");
    strictEqual(rows.length + handedOver.length, valid, "and once");
    return plain;
  }

  /** The plan of the query, without white space. */
  async explain(contract: Contract, samples: readonly string[]): Promise<string> {
    const [row] = await this.#connection.rows(`EXPLAIN ${await this.#query(contract, samples)}`);
    return (row!.explain_value as string).replace(/[\s│]+/g, "");
  }

  async #query(contract: Contract, samples: readonly string[]): Promise<string> {
    await this.#connection.run("CREATE OR REPLACE TEMP TABLE records (text VARCHAR)");
    const shapes = samples.flatMap((text) => shapeOf(parsed(text), contract) ?? []);
    return plainQuery({
      contract,
      pattern: plainPattern(contract, shapes),
      records: recordQuery(
        { file: "0", name: "'f'", position: "rowid", record: "text" },
        "records WHERE json_valid(text)",
      ),
      metadata: [["_at", "_position"]],
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function contractWithRecords(contracts: fc.Arbitrary<Contract>, style: Style, most: number) {
  return contracts.chain((contract) =>
    fc.record({
      contract: fc.constant(contract),
      records: fc.array(anyRecord(contract, style), { minLength: 1, maxLength: most, size: "max" }),
    })
  );
}

/**
 * What SQL accepts is an event with the very values that the judge gives it. Returns how many it
 * accepted.
 */
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
      fc.asyncProperty(contractWithRecords(anyContract, "wild", 60), async ({ contract, records }) => {
        await checkPlain(routing, contract, records);
      }),
      { numRuns: isThorough ? 1_500 : 60, interruptAfterTimeLimit: isThorough ? 300_000 : 20_000 },
    );
  }));

Deno.test("what only the judge knows of a contract is left to it by SQL, and to SQL what is plain beside it", () =>
  PlainRouting.use(async (routing) => {
    let plain = 0;
    for (const style of ["ordinary", "wild"] as const) {
      await fc.assert(
        fc.asyncProperty(contractWithRecords(conditionedContract, style, 40), async ({ contract, records }) => {
          plain += await checkPlain(routing, contract, records);
        }),
        { numRuns: isThorough ? 1_000 : 75, interruptAfterTimeLimit: isThorough ? 300_000 : 10_000 },
      );
    }
    ok(plain > 0);
  }));

Deno.test("a value that only the judge can read is never plain, however plain it looks", () =>
  PlainRouting.use(async (routing) => {
    const instant = '"2026-03-01T12:00:00Z"';
    const cases: [schema: Record<string, unknown>, values: string[]][] = [
      [{ type: "integer", format: "epoch-seconds" }, ["1772366400", instant]],
      [{ type: "string", format: "date-time-lenient" }, [instant, '"2026-03-01 12:00:00+0000"']],
      [{ type: "string", format: "date-time-local" }, [instant, '"2026-03-01T12:00:00"']],
      [{}, ['"text"', "1", '{"a":1}']],
      [{ type: "integer", multipleOf: 2 }, ["1", "2"]],
      [{ type: "string", allOf: [{ pattern: "a" }, { pattern: "b" }] }, ['"a"', '"ab"']],
      [{ type: "array", items: { type: "integer" }, uniqueItems: true }, ["[1,1]", "[1,2]"]],
      [{ type: "object", additionalProperties: { type: "string" }, maxProperties: 1 }, ['{"a":"","b":""}', '{"a":""}']],
      [{ type: "object", properties: { a: { type: "string", "x-column": "b" } } }, ['{"a":"x"}', '{"b":"x"}']],
    ];
    for (const [schema, values] of cases) {
      const contract = parseContract(JSON.stringify({ type: "object", properties: { v: schema } }));
      const records = values.map((value) => `{"v":${value}}`);
      const plain = await routing.route(contract, records, records);
      strictEqual(plain.size, 0, JSON.stringify(schema));
    }
  }));

/** Contracts whose checks the pattern and SQL can see all of. */
const coveredContract = anyContract.filter(({ text }) =>
  !/"pattern"|propertyNames|"integer","enum"|"boolean","enum"|"const":true|"enum":\[(1|true)/.test(text) &&
  !/"(minimum|maximum|exclusiveMinimum|exclusiveMaximum|minLength|maxLength)"/.test(text) && !/enum":\["ü"/.test(text)
);

Deno.test("ordinary records of any contract are plain, but for a few", () =>
  PlainRouting.use(async (routing) => {
    let records = 0, plain = 0;
    const ordinary = coveredContract.chain((contract) =>
      fc.record({
        contract: fc.constant(contract),
        records: fc.array(anyRecord(contract, "ordinary"), { minLength: 20, maxLength: 60, size: "max" }),
      })
    );
    await fc.assert(
      fc.asyncProperty(ordinary, async ({ contract, records: texts }) => {
        records += texts.length;
        plain += await checkPlain(routing, contract, texts);
      }),
      { numRuns: isThorough ? 500 : 10, interruptAfterTimeLimit: isThorough ? 120_000 : 10_000 },
    );
    ok(plain > records * 0.7, `${plain} of ${records}`);
  }));

Deno.test("what produce writes is plain", () =>
  PlainRouting.use(async (routing) => {
    const records = Array.from({ length: 1_000 }, (_, i) =>
      JSON.stringify({
        user_id: `user-${i}`,
        event_id: "1cc9f319-60ad-468b-a86b-69a1b3a53aba",
        event_type: i % 3 === 0 ? "purchase" : "page_view",
        event_timestamp: new Date(1_772_000_000_000 + i * 1_234_567).toISOString(),
        ...(i % 3 === 0 ? { product_id: `p${i}` } : {}),
        properties: i % 3 === 0
          ? { quantity: i % 7, price: i / 100 }
          : { url: 'https://x/é?a="b"', user_agent: "M/5.0" },
      }));
    strictEqual(await checkPlain(routing, defaultContract(), records), records.length);
  }));

Deno.test("records that stop DuckDB's reader never reach it, however many come and in whatever order", () =>
  PlainRouting.use(async (routing) => {
    const contract = defaultContract();
    const plain = (properties: string) =>
      `{"event_type":"t","event_id":"e","user_id":"u","properties":{${properties}},"event_timestamp":"2026-03-01T12:00:00Z"}`;
    const kinds = [
      plain('"a":"b"'),
      plain('"a":"\\ud800"'),
      plain('"a":"b","a":"c"'),
      plain('"a":"b","\\u0061":"c"'),
      plain('"\\udfff":"b"'),
      plain('"a":{"\\ud800":[1,{"a":1,"a":2}]}'),
      '{"\\ud800":1,"\\ud800":2}',
      plain('"a":1e400'),
      "[]",
      '"\\ud800"',
    ];
    const records = Array.from({ length: 40_000 }, (_, i) => kinds[(i * 7 + (i >> 5)) % kinds.length]!);
    const judge = new Judge(contract, "dead-letter");
    const rows = await routing.route(contract, records, [plain('"b":"b"')]);
    const accepted = new Set([...rows.keys()].map((position) => records[position]!));
    deepStrictEqual([...accepted], [kinds[0]]);
    deepStrictEqual(kinds.filter((text) => judge.judge(text).kind === "event"), [kinds[0], kinds[7]]);
  }));

Deno.test("a record is matched and read once, whatever its columns are cast to", () =>
  PlainRouting.use(async (routing) => {
    const schemas = [{ type: "string" }, { type: "string", format: "uuid" }, { type: "string", format: "date" }];
    for (const schema of schemas) {
      const contract = parseContract(JSON.stringify({ type: "object", properties: { a: schema, b: schema } }));
      const plan = await routing.explain(contract, ['{"a":null,"b":null}']);
      // A projection shows as its name, "_parsed"; a copy of it in a condition would show in full.
      ok(plan.includes("_parsed") && !plan.includes("regexp_full_match"), plan);
    }
  }));

Deno.test("a contract of any width is routed", () =>
  PlainRouting.use(async (routing) => {
    const dense: [Record<string, unknown>, string][] = [
      [{ type: "string", format: "uuid" }, '"1cc9f319-60ad-468b-a86b-69a1b3a53aba"'],
      [{ type: "string" }, '"x\\n"'],
      [{ type: "number" }, "-12.5e1"],
      [{ type: "string", format: "date-time" }, '"2026-02-28T23:59:59.5+01:00"'],
    ];
    for (const width of [60, 400]) {
      for (const [schema, value] of dense) {
        const names = Array.from({ length: width }, (_, i) => `c${i}`);
        const text = JSON.stringify({
          type: "object",
          properties: Object.fromEntries(names.map((name) => [name, schema])),
        });
        const record = (order: string[]) => `{${order.map((name) => `"${name}":${value}`).join(",")}}`;
        const records = [record(names), record(names.toReversed()), record(names.slice(0, 10))];
        await checkPlain(routing, parseContract(text), records);
      }
    }
  }));
