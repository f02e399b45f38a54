import { type PlacedRecord, RecordPlaces } from "./record_places.ts";
import type { InputRoom } from "./input_room.ts";
import type { ReaderInstance } from "./reader_instance.ts";
import type { Placing, ReaderLimits, ReadUnit } from "./reading.ts";
import { UnitBytes } from "./unit_bytes.ts";

export interface PartTools {
  reader: ReaderInstance;
  input: InputRoom;
  limits: ReaderLimits;
}

/** Parts beyond those that a file of one envelope has. */
const MORE_PARTS_MAX = 16;

/**
 * The parts of a large file of envelopes, for several threads: of records that stand one behind
 * another. Undefined where these would be many and small, or hold what the reader leaves to the
 * judge: then one thread reads all of the file.
 */
export function envelopeParts(unit: ReadUnit, rules: Placing, tools: PartTools): ReadUnit[] | undefined {
  if (rules.judgesAll || rules.recordsAt === undefined || rules.members !== "") return undefined;
  const bytes = new UnitBytes(unit), parts = new EnvelopeParts(unit, tools);
  try {
    const records = new RecordPlaces(unit, bytes, rules).records();
    for (let next = records.next();; next = records.next()) {
      const isFit = next.done ? next.value === undefined && parts.end() : parts.add(next.value);
      if (!isFit) return undefined;
      if (next.done) return parts.units.length === 0 ? undefined : parts.units;
    }
  } finally {
    bytes.close();
  }
}

class EnvelopeParts {
  readonly units: ReadUnit[] = [];
  readonly #bare: ReadUnit;
  readonly #unitsMax: number;
  readonly #tools: PartTools;
  /** Records that are still to become a part. */
  #open: { record: PlacedRecord; to: number; records: number } | undefined;

  constructor(unit: ReadUnit, tools: PartTools) {
    const { placing: _placing, ...bare } = unit;
    this.#bare = bare;
    this.#unitsMax = Math.ceil(2 * unit.size / tools.limits.partBytes) + MORE_PARTS_MAX;
    this.#tools = tools;
  }

  /** False where no parts can be made. */
  add(record: PlacedRecord): boolean {
    const { partBytes } = this.#tools.limits;
    const open = this.#open;
    if (open !== undefined && !record.isFirst && record.to - open.record.from <= partBytes) {
      open.to = record.to;
      open.records++;
      return true;
    }
    if (!this.end()) return false;
    this.#open = { record, to: record.to, records: 1 };
    return record.kind === "record" || this.end();
  }

  /** Makes a part of what is open. */
  end(): boolean {
    if (this.#open === undefined) return true;
    const { record: { kind, from, position, detail }, to, records } = this.#open;
    this.#open = undefined;
    const { offset } = this.#bare;
    const isAlone = kind === "record" && records === 1 && to - from > this.#tools.limits.partBytes;
    const how = kind === "bare" ? "bare-envelope" : kind === "broken" || isAlone ? "rest" : "elements";
    const part: ReadUnit = { ...this.#bare, how, offset: offset + from, size: to - from, position, records, detail };
    this.units.push(part);
    return this.units.length <= this.#unitsMax && (how !== "elements" || this.#isReadable(part));
  }

  /** Whether the reader takes all of its elements: they may be nested too deep for it. */
  #isReadable({ path, offset, size, records }: ReadUnit): boolean {
    const { reader: { calls }, input } = this.#tools;
    const { at, length } = input.read(path, offset, size, "", "]");
    return calls.scanElements(at, length + 1) === records && calls.isEndOfElements() !== 0;
  }
}
