import { joinBytes } from "../../../core/base/join_bytes.ts";
import fc from "../../support/property.ts";
import type { Random } from "../../../core/base/random.ts";
import type { Contract } from "../../../core/contract/contract.ts";
import { Judge } from "../../../core/contract/judge.ts";
import type { Row } from "../../../core/contract/judgement.ts";
import { JsonArrayScan } from "../../../core/json/array_scan.ts";
import { NdjsonLines } from "../../../core/json/lines.ts";
import { anyContract, conditionedContract } from "../../contract/arbitrary_contract.ts";
import { anyRecord, type Style } from "../../contract/arbitrary_record.ts";
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { TestReader } from "./test_reader.ts";

export interface Tally {
  records: number;
  rows: number;
  /** Arrays that are none. */
  broken: number;
  /** Lines and elements that are left to the judge. */
  odd: number;
}

const ORIGINALS = 40;

/** Compares the reader with the judge on texts of one contract that are damaged a little. */
export class MutatedTexts {
  readonly tally: Tally = { records: 0, rows: 0, broken: 0, odd: 0 };
  readonly #random: Random;
  readonly #reader: TestReader;
  readonly #judge: Judge;
  readonly #originals: readonly Uint8Array[];

  constructor(random: Random, contract: Contract = someContract(random)) {
    this.#random = random;
    this.#reader = new TestReader(contract);
    this.#judge = new Judge(contract, "dead-letter");
    const encoder = new TextEncoder();
    const sample = (style: Style) =>
      fc.sample(anyRecord(contract, style), { seed: seedOf(random), numRuns: ORIGINALS });
    // A line feed in a record would end its line.
    this.#originals = [...sample("ordinary"), ...sample("wild")].map((text) => text.replaceAll(/[\r\n]/g, " "))
      .map((text) => encoder.encode(text));
  }

  /** An array of a few records. */
  array(): void {
    const records = Array.from({ length: 1 + this.#below(4) }, () => this.#original());
    const whole = joinBytes([OPEN, ...records.flatMap((record, i) => i === 0 ? [record] : [COMMA, record]), CLOSE]);
    this.compareArray(this.#mutated(whole, this.#below(3)));
  }

  /** A text that is meant to be an array. */
  compareArray(text: Uint8Array): void {
    const found: Uint8Array[] = [];
    const scan = new JsonArrayScan((record) => void found.push(record.slice()));
    scan.push(text);
    const verdict = scan.end();
    const { isWhole, rows, odd, records: count } = this.#reader.scanArray(text);
    const shown = new TextDecoder().decode(text);
    strictEqual(isWhole, verdict.kind === "ok", shown);
    if (!isWhole) {
      this.tally.broken++;
      return;
    }
    strictEqual(count, found.length, shown);
    this.#compare(found, rows, odd);
  }

  /** Many lines, each damaged by itself. */
  lines(count: number): void {
    const lines = Array.from({ length: count }, () => this.#mutated(this.#original(), this.#below(3)));
    const text = joinBytes(lines.flatMap((line) => [line, FEED]));
    const found: Uint8Array[] = [];
    const cut = new NdjsonLines((line) => void found.push(line.slice()));
    cut.push(text);
    cut.end();
    const { rows, odd, records } = this.#reader.scanLines(text);
    strictEqual(records, found.length);
    this.#compare(found, rows, odd);
  }

  #compare(records: readonly Uint8Array[], rows: readonly Row[], odd: readonly number[]): void {
    const left = new Set(odd);
    const taken = records.filter((_, position) => !left.has(position));
    strictEqual(rows.length, taken.length);
    for (const [i, record] of taken.entries()) {
      const judgement = this.#judge.judgeBytes(record);
      const shown = new TextDecoder().decode(record);
      strictEqual(judgement.kind, "event", shown);
      deepStrictEqual(rows[i], (judgement as { values: Row }).values, shown);
    }
    this.tally.records += records.length;
    this.tally.rows += rows.length;
    this.tally.odd += odd.length;
  }

  #original(): Uint8Array {
    return this.#originals[this.#below(this.#originals.length)]!;
  }

  #mutated(bytes: Uint8Array, times: number): Uint8Array {
    const changed = [...bytes];
    for (let i = 0; i < times && changed.length > 0; i++) {
      const at = this.#below(changed.length), piece = PIECES[this.#below(PIECES.length)]!;
      switch (this.#below(4)) {
        case 0:
          changed[at] = piece;
          break;
        case 1:
          changed.splice(at, 1);
          break;
        case 2:
          changed.splice(at, 0, piece);
          break;
        default:
          changed.splice(at, this.#below(20));
      }
    }
    return Uint8Array.from(changed);
  }

  #below(max: number): number {
    return Math.floor(this.#random.next() * max);
  }
}

function someContract(random: Random): Contract {
  const contracts = fc.oneof({ weight: 3, arbitrary: anyContract }, conditionedContract);
  return fc.sample(contracts, { seed: seedOf(random), numRuns: 1 })[0]!;
}

function seedOf(random: Random): number {
  return Math.floor(random.next() * 2 ** 31);
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const OPEN = bytesOf("["), CLOSE = bytesOf("]"), COMMA = bytesOf(",\n"), FEED = bytesOf("\n");

/** What JSON is made of, and what it is not. */
export const PIECES = [
  ...bytesOf('[]{}",:\\u0123456789abcdefeE+-.tfn nullrue\n\t\r /'),
  ...[0, 1, 0x1f, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xa0, 0xf0, 0x90, 0xf4, 0xf5, 0xff, 0xef, 0xbb],
];
