import { signatureOf } from "../../disk/file_signature.ts";
import { ElementPlaces, type ValuePlace } from "../../json/element_places.ts";
import { findPointedValue } from "../../json/pointed_value.ts";
import { pointerSteps, pointerText } from "../../json/pointer.ts";
import { ValueSplit } from "../../json/value_split.ts";
import { headOf, otherEncoding, otherKind, signatureHint } from "../file_kind.ts";
import { whyNoArray } from "./exact_reading.ts";
import type { Envelopes, ReadUnit } from "./reading.ts";
import { jsonStart, OPEN_OBJECT, type UnitBytes } from "./unit_bytes.ts";

/** A record, or what counts as one. */
export interface EnvelopedRecord extends ValuePlace {
  kind:
    /** Valid. */
    | "record"
    /** A line or a rest that is no JSON. */
    | "broken"
    /** An envelope that has no records. */
    | "bare";
  position: number;
  /** Whether it is the first in its array; the next ones stand behind it, with commas between. */
  isFirst: boolean;
  /** Why the envelope is bare. */
  detail?: string | undefined;
}

/** The records of a file that holds envelopes, in constant memory. */
export class EnvelopeFile {
  readonly #unit: ReadUnit;
  readonly #bytes: UnitBytes;
  readonly #rules: Envelopes;
  readonly #steps: readonly string[];
  /** The pointer as messages show it. */
  readonly #shown: string;
  #position = 0;

  constructor(unit: ReadUnit, bytes: UnitBytes, rules: Envelopes) {
    this.#unit = unit;
    this.#bytes = bytes;
    this.#rules = rules;
    this.#steps = pointerSteps(rules.recordsAt)!;
    this.#shown = pointerText(this.#steps);
  }

  /** Returns what is wrong with the file as a whole; then there are no records. */
  records(): Generator<EnvelopedRecord, string | undefined> {
    return this.#unit.how === "envelope-lines" ? this.#ofLines() : this.#ofJson();
  }

  *#ofLines(): Generator<EnvelopedRecord, string | undefined> {
    const found = signatureOf(headOf(this.#unit));
    if (found !== undefined) return `expected lines of JSON, found ${otherKind(found)}`;
    const start = jsonStart(this.#bytes);
    if (start.character === undefined) return "the file is empty";
    const lines = new ValueSplit(this.#bytes, start.at, true);
    for (let line = lines.next(); line !== undefined; line = lines.next()) yield* this.#ofOneOfMany(line);
    return undefined;
  }

  *#ofJson(): Generator<EnvelopedRecord, string | undefined> {
    const start = jsonStart(this.#bytes);
    const places = start.character === OPEN_OBJECT ? this.#values(start.at) : this.#elements(start.at);
    if (typeof places === "string") return places;
    const first = places.next()!, second = places.next();
    if (second === undefined) return yield* this.#ofOnly(first);
    yield* this.#ofOneOfMany(first);
    for (let place: ValuePlace | undefined = second; place !== undefined; place = places.next()) {
      yield* this.#ofOneOfMany(place);
    }
    return undefined;
  }

  #values(at: number): ValueSplit | string {
    return otherEncoding(headOf(this.#unit)) ?? new ValueSplit(this.#bytes, at);
  }

  #elements(at: number): ElementPlaces | string {
    const detail = whyNoArray(this.#unit);
    if (detail !== undefined) return detail + signatureHint(headOf(this.#unit));
    return new ElementPlaces(this.#bytes, { from: at, to: this.#bytes.size });
  }

  /** The file is the envelope: without records it is condemned. */
  *#ofOnly(place: ValuePlace): Generator<EnvelopedRecord, string | undefined> {
    const opened = this.#open(place);
    if (typeof opened === "string") return opened;
    yield* opened;
    return undefined;
  }

  *#ofOneOfMany(place: ValuePlace): Generator<EnvelopedRecord, void> {
    const opened = this.#open(place);
    if (typeof opened !== "string") yield* opened;
    else yield this.#record("bare", place, true, opened);
  }

  /** Its records, or why it has none. */
  #open(place: ValuePlace): Iterable<EnvelopedRecord> | string {
    const pointed = findPointedValue(this.#bytes, place, this.#steps);
    if (pointed.kind === "not_json") return [this.#record("broken", place)];
    if (pointed.kind === "object") return [this.#record("record", pointed.place)];
    if (pointed.kind === "other") return `expected records at ${this.#shown}, found ${pointed.found}`;
    const elements = new ElementPlaces(this.#bytes, pointed.place);
    const first = elements.next();
    if (first !== undefined) return this.#ofArray(first, elements);
    return this.#rules.onEmpty === "ignore" ? [] : `expected records at ${this.#shown}, found an empty array`;
  }

  *#ofArray(first: ValuePlace, elements: ElementPlaces): Generator<EnvelopedRecord, void> {
    yield this.#record("record", first);
    for (let place = elements.next(); place !== undefined; place = elements.next()) {
      yield this.#record("record", place, false);
    }
  }

  #record(kind: EnvelopedRecord["kind"], { from, to }: ValuePlace, isFirst = true, detail?: string): EnvelopedRecord {
    return { kind, from, to, position: this.#position++, isFirst, detail };
  }
}
