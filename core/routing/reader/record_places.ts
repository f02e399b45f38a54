import { signatureOf } from "../../disk/file_signature.ts";
import { ElementPlaces, type ValuePlace } from "../../json/element_places.ts";
import { findPointedValue } from "../../json/pointed_value.ts";
import { pointerSteps, pointerText } from "../../json/pointer.ts";
import { type RandomBytes, ValueSplit } from "../../json/value_split.ts";
import { headOf, otherEncoding, otherKind, signatureHint } from "../file_kind.ts";
import { whyNoArray } from "./exact_reading.ts";
import type { Placing, ReadUnit } from "./reading.ts";
import { jsonStart, OPEN_OBJECT } from "./unit_bytes.ts";

/** A record, or what counts as one. */
export interface PlacedRecord extends ValuePlace {
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

/** Where the records of a file are, which may be in envelopes; in constant memory. */
export class RecordPlaces {
  readonly #unit: ReadUnit;
  readonly #bytes: RandomBytes;
  readonly #rules: Placing;
  /** Into an envelope; undefined where there are none. */
  readonly #steps: readonly string[] | undefined;
  #position = 0;

  constructor(unit: ReadUnit, bytes: RandomBytes, rules: Placing) {
    this.#unit = unit;
    this.#bytes = bytes;
    this.#rules = rules;
    this.#steps = rules.recordsAt === undefined ? undefined : pointerSteps(rules.recordsAt);
  }

  /** Returns what is wrong with the file as a whole; then there are no records. */
  records(): Generator<PlacedRecord, string | undefined> {
    return this.#unit.how === "placed-lines" ? this.#ofLines() : this.#ofJson();
  }

  /** Those of one envelope among others, or of what was to be one. */
  ofEnvelope(place: ValuePlace, position: number): Generator<PlacedRecord, void> {
    this.#position = position;
    return this.#ofOneOfMany(place);
  }

  *#ofLines(): Generator<PlacedRecord, string | undefined> {
    const found = signatureOf(headOf(this.#unit));
    if (found !== undefined) return `expected lines of JSON, found ${otherKind(found)}`;
    const start = jsonStart(this.#bytes);
    if (start.character === undefined) return "the file is empty";
    const lines = new ValueSplit(this.#bytes, start.at, true);
    for (let line = lines.next(); line !== undefined; line = lines.next()) yield* this.#ofOneOfMany(line);
    return undefined;
  }

  *#ofJson(): Generator<PlacedRecord, string | undefined> {
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
  *#ofOnly(place: ValuePlace): Generator<PlacedRecord, string | undefined> {
    const opened = this.#open(place);
    if (typeof opened === "string") return opened;
    yield* opened;
    return undefined;
  }

  *#ofOneOfMany(place: ValuePlace): Generator<PlacedRecord, void> {
    const opened = this.#open(place);
    if (typeof opened !== "string") yield* opened;
    else yield this.#record("bare", place, true, opened);
  }

  /** Its records, or why it has none. */
  #open(place: ValuePlace): Iterable<PlacedRecord> | string {
    const steps = this.#steps;
    const pointed = findPointedValue(this.#bytes, place, steps ?? []);
    if (pointed.kind === "not_json") return [this.#record("broken", place)];
    if (steps === undefined) return [this.#record("record", place)];
    if (pointed.kind === "object") return [this.#record("record", pointed.place)];
    if (pointed.kind === "other") return why(steps, pointed.found);
    const elements = new ElementPlaces(this.#bytes, pointed.place);
    const first = elements.next();
    if (first !== undefined) return this.#ofArray(first, elements);
    return this.#rules.onEmpty === "ignore" ? [] : why(steps, "an empty array");
  }

  *#ofArray(first: ValuePlace, elements: ElementPlaces): Generator<PlacedRecord, void> {
    yield this.#record("record", first);
    for (let place = elements.next(); place !== undefined; place = elements.next()) {
      yield this.#record("record", place, false);
    }
  }

  #record(kind: PlacedRecord["kind"], { from, to }: ValuePlace, isFirst = true, detail?: string): PlacedRecord {
    return { kind, from, to, position: this.#position++, isFirst, detail };
  }
}

function why(steps: readonly string[], found: string): string {
  return `expected records at ${pointerText(steps)}, found ${found}`;
}
