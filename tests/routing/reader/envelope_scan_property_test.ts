/** The reader's own way through envelopes, against the one that defines what an envelope holds. */
import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Random } from "../../../core/base/random.ts";
import { Judge } from "../../../core/contract/judge.ts";
import { writeAllSync } from "../../../core/disk/file_bytes.ts";
import { FORM, type Form } from "../../../core/routing/reader/envelope_steps.ts";
import type { Placing, ReadUnit } from "../../../core/routing/reader/reading.ts";
import { type PlacedRecord, RecordPlaces } from "../../../core/routing/reader/record_places.ts";
import { UnitBytes } from "../../../core/routing/reader/unit_bytes.ts";
import { say } from "../../support/say.ts";
import { withSeed } from "../../support/seed.ts";
import { isThorough } from "../../support/thorough.ts";
import { PIECES } from "./mutated_texts.ts";
import { contractOf, type OddPlace, TestReader } from "./test_reader.ts";

const TEXTS = isThorough ? 30_000 : 1_500;

const properties = { id: { type: "string" }, n: { type: "integer" } };
const PLAIN = contractOf({ properties });
/** Of this one the judge reads every record, so that each is seen with its place. */
const JUDGED_ALONE = contractOf({ properties, minProperties: 1 });

const POINTERS = [
  { recordsAt: "/Records", around: (inner: string) => `{"x":[1],"Records":${inner},"y":{}}` },
  { recordsAt: "/Records", around: (inner: string) => `{ "\\u0052ecords" : ${inner} }` },
  { recordsAt: "/a~1b/é", around: (inner: string) => `{"a/b":{"e":"é","é":${inner}}}` },
  { recordsAt: "/0~01/1/k", around: (inner: string) => `{"0~1":[[{"k":[]}],\n{"k":${inner}},0]}` },
  { recordsAt: "", around: (inner: string) => inner },
  // A step that comes twice leads nowhere.
  { recordsAt: "/Records", around: (inner: string) => `{"Records":${inner},"Record\\u0073":0}` },
  { recordsAt: "/a~1b/é", around: (inner: string) => `{"a/b":{"é":${inner}},"a\\/b":{}}` },
];
const RECORDS = ['{"id":"a","n":1}', '{"id":"]},{\\"","n":-2}', "{}", '{"id":[{}]}', " 12", "null", '"x"', '{"n":1.5}'];
const SPACES = ["", "", "", " ", "\n", "\r\n", "\n\n \t"];
/** What damages a text where it stands beside what it is about. */
const CHUNKS = ['"Records":[{}],', '{"Records":[', "]}", '"é":', ',"a\\/b":0', "[[", '{"Records":{}}', "\n{", "[]"];

class Envelopes {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  get(form: Form): { recordsAt: string; text: Uint8Array } {
    const { recordsAt, around } = this.#of(POINTERS);
    const space = () => this.#of(SPACES);
    const envelopes = Array.from({ length: 1 + this.#below(5) }, () => {
      const records = Array.from({ length: this.#below(6) }, () => this.#of(RECORDS) + space());
      return around(this.#below(8) === 0 ? this.#of(RECORDS) : `[${space()}${records.join(`,${space()}`)}]`);
    });
    const joined = form === FORM.ELEMENTS
      ? `[${envelopes.join(`,${space()}`)}]`
      : form === FORM.LINES
      ? envelopes.map((each) => each.replaceAll(/[\r\n]/g, " ")).join("\n")
      : envelopes.map((each) => each + space()).join(this.#of(["", "\n"]));
    let text = new TextEncoder().encode(joined);
    for (let times = this.#below(4); times > 0; times--) text = this.#damaged(text);
    return { recordsAt, text };
  }

  #damaged(text: Uint8Array): Uint8Array<ArrayBuffer> {
    const at = this.#below(text.length + 1);
    switch (this.#below(5)) {
      case 0:
        return Uint8Array.from([...text].toSpliced(at, 1));
      case 1:
        return Uint8Array.from([...text].toSpliced(at, this.#below(2), this.#of(PIECES)));
      case 2:
        return text.slice(0, at);
      case 3:
        return Uint8Array.from([...text].toSpliced(at, 0, ...new TextEncoder().encode(this.#of(CHUNKS))));
      default:
        return Uint8Array.of(...text, ...text.subarray(at));
    }
  }

  #of<T>(values: readonly T[]): T {
    return values[this.#below(values.length)]!;
  }

  #below(max: number): number {
    return Math.floor(this.#random.next() * max);
  }
}

interface Defined {
  records: PlacedRecord[];
  /** Those of one envelope, or of what was to be one. */
  within(from: number, to: number, position: number): PlacedRecord[];
}

/**
 * Writes over what stands in the file, which stays behind the text: to empty it and fill it anew
 * was half of the work here, and nothing may look there.
 */
function overwrite(path: string, text: Uint8Array): void {
  using file = Deno.openSync(path, { write: true });
  writeAllSync(file, text);
}

/** By `RecordPlaces`; undefined for what is condemned as a whole. */
function defined(path: string, text: Uint8Array, form: Form, recordsAt: string): Defined | undefined {
  overwrite(path, text);
  const how = form === FORM.LINES ? "placed-lines" as const : "placed" as const;
  const unit: ReadUnit = { number: 0, name: "", path, offset: 0, size: text.length, how, position: 0 };
  const rules: Placing = { recordsAt, members: "", onEmpty: "dead-letter", judgesAll: false };
  const bytes = new UnitBytes(unit);
  try {
    const found = new RecordPlaces(unit, bytes, rules).records(), records: PlacedRecord[] = [];
    for (let next = found.next();; next = found.next()) {
      if (next.done && next.value !== undefined) return undefined;
      if (next.done) break;
      records.push(next.value);
    }
    const within = (from: number, to: number, position: number) => {
      const own = new UnitBytes(unit);
      try {
        return [...new RecordPlaces(unit, own, rules).ofEnvelope({ from, to }, position)];
      } finally {
        own.close();
      }
    };
    return { records, within };
  } finally {
    bytes.close();
  }
}

const placeOf = ({ position, from, to }: OddPlace): OddPlace => ({ position, from, to });

class Comparison {
  readonly tally = { texts: 0, records: 0, rows: 0, judged: 0 };
  readonly #path: string;
  readonly #plain = new TestReader(PLAIN);
  readonly #alone = new TestReader(JUDGED_ALONE);
  readonly #judge = new Judge(PLAIN, "dead-letter");

  constructor(path: string) {
    this.#path = path;
  }

  compare(form: Form, recordsAt: string, text: Uint8Array): void {
    const expected = defined(this.#path, text, form, recordsAt);
    // What is one is told by its first character, as files are.
    const first = new TextDecoder().decode(text).trimStart()[0];
    if (expected === undefined || (form !== FORM.LINES && first !== (form === FORM.ELEMENTS ? "[" : "{"))) return;
    this.tally.texts++;
    const shown = `${recordsAt} in ${new TextDecoder().decode(text)}`;
    const judged: PlacedRecord[] = [];
    const judge = (from: number, to: number, position: number) => {
      const records = expected.within(from, to, position);
      judged.push(...records);
      return records.length;
    };
    const { records, odd, rows } = this.#alone.scanEnvelopes(text, form, recordsAt, judge);
    strictEqual(records, expected.records.length, shown);
    strictEqual(rows.length, 0);
    const found = [...odd, ...judged].sort((a, b) => a.position - b.position);
    deepStrictEqual(found.map(placeOf), expected.records.map(placeOf), shown);
    for (const { position, kind, detail } of judged) {
      deepStrictEqual({ kind, detail }, {
        kind: expected.records[position]!.kind,
        detail: expected.records[position]!.detail,
      });
    }
    // An envelope that is judged may be sound; one that is not is never taken.
    const ownPositions = new Set(odd.map(({ position }) => position));
    ok(expected.records.every(({ kind, position }) => kind === "record" || !ownPositions.has(position)), shown);
    this.#compareRows(form, recordsAt, text, expected, shown);
    this.tally.records += records;
    this.tally.judged += judged.length;
  }

  #compareRows(form: Form, recordsAt: string, text: Uint8Array, expected: Defined, shown: string): void {
    const left = new Set<number>();
    const judge = (from: number, to: number, position: number) => {
      const records = expected.within(from, to, position);
      for (const record of records) left.add(record.position);
      return records.length;
    };
    const { rows, odd } = this.#plain.scanEnvelopes(text, form, recordsAt, judge);
    for (const { position } of odd) left.add(position);
    const taken = expected.records.filter(({ position }) => !left.has(position));
    strictEqual(rows.length, taken.length, shown);
    for (const [index, { from, to }] of taken.entries()) {
      const judgement = this.#judge.judgeBytes(text.subarray(from, to));
      deepStrictEqual(judgement.kind === "event" ? judgement.values : judgement.kind, rows[index], shown);
    }
    this.tally.rows += rows.length;
  }
}

Deno.test("envelopes, however damaged, have the records that the judge finds in them, place by place", async () => {
  const path = await Deno.makeTempFile({ prefix: "streamlab-envelopes-" });
  try {
    await withSeed((random) => {
      const envelopes = new Envelopes(random), comparison = new Comparison(path);
      for (let text = 0; text < TEXTS; text++) {
        for (const form of [FORM.ELEMENTS, FORM.LINES, FORM.LINED_VALUES]) {
          const { recordsAt, text } = envelopes.get(form);
          comparison.compare(form, recordsAt, text);
        }
      }
      const { tally } = comparison;
      say(`envelopes: ${JSON.stringify(tally)}`);
      ok(tally.texts > TEXTS && tally.rows > TEXTS && tally.judged > TEXTS, JSON.stringify(tally));
      return Promise.resolve();
    });
  } finally {
    await Deno.remove(path);
  }
});
