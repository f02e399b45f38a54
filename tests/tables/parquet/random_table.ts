import type { Random } from "../../../core/base/random.ts";
import type { Value } from "../../../core/iceberg/format/single_value.ts";
import type { Field, PrimitiveType, Type } from "../../../core/iceberg/format/type.ts";

/** A value of any type: null, a primitive's, a struct's by name, a list's, a map's entries. */
export type Tree = null | Value | { [name: string]: Tree } | Tree[] | [Tree, Tree][];

export type TableRow = { [name: string]: Tree };

export interface RandomTable {
  fields: Field[];
  rows: TableRow[];
}

const PRIMITIVES: PrimitiveType[] = [
  ...(["boolean", "int", "long", "float", "double", "date", "timestamp", "timestamptz"] as const).map((type) => ({
    type,
  })),
  { type: "string" },
  { type: "uuid" },
  { type: "binary" },
  { type: "fixed", length: 5 },
  { type: "decimal", precision: 9, scale: 2 },
  { type: "decimal", precision: 18, scale: 0 },
  { type: "decimal", precision: 19, scale: 19 },
  { type: "decimal", precision: 38, scale: 10 },
];

/**
 * A required `id` that counts the rows, then a column of each type, required and optional, then
 * nested ones to a depth of three.
 */
export class TableMaker {
  readonly #random: Random;
  readonly #types: readonly PrimitiveType[];
  readonly #requiredInside: number;
  #nextId = 1;

  /** `requiredInside`: how many of the fields in structs, lists and maps are. */
  constructor(random: Random, leftOut: readonly PrimitiveType["type"][] = [], requiredInside = 0.3) {
    this.#requiredInside = requiredInside;
    this.#random = random;
    this.#types = PRIMITIVES.filter(({ type }) => !leftOut.includes(type));
  }

  table(rowCount: number): RandomTable {
    const id = this.#field("id", { type: "long" }, true);
    const plain = this.#types.flatMap((type, i) => [
      this.#field(`o${i}`, type, false),
      ...(this.#chance(0.5) ? [this.#field(`r${i}`, type, true)] : []),
    ]);
    const nested = Array.from({ length: 6 }, (_, i) => this.#field(`n${i}`, this.#nested(3), this.#chance(0.3)));
    const fields = [id, ...plain, ...nested];
    const makers = fields.map((field) =>
      this.#valueMaker(field.type, field.required ? 0 : this.#pick([0, 0.1, 0.9, 1]))
    );
    const rows = Array.from(
      { length: rowCount },
      (_, row): TableRow =>
        Object.fromEntries(fields.map(({ name }, i) => [name, i === 0 ? BigInt(row) : makers[i]!()])),
    );
    return { fields, rows };
  }

  #field(name: string, type: Type, required: boolean): Field {
    return { id: this.#nextId++, name, required, type };
  }

  #nested(depth: number): Type {
    const inner = () => depth > 1 && this.#chance(0.6) ? this.#nested(depth - 1) : this.#pick(this.#types);
    switch (this.#pick(["struct", "list", "map"])) {
      case "struct":
        return {
          type: "struct",
          fields: Array.from(
            { length: 1 + this.#int(3) },
            (_, i) => this.#field(`f${i}`, inner(), this.#chance(this.#requiredInside)),
          ),
        };
      case "list":
        return {
          type: "list",
          elementId: this.#nextId++,
          elementRequired: this.#chance(this.#requiredInside),
          element: inner(),
        };
      default:
        return {
          type: "map",
          keyId: this.#nextId++,
          key: { type: "string" },
          valueId: this.#nextId++,
          valueRequired: this.#chance(this.#requiredInside),
          value: inner(),
        };
    }
  }

  #valueMaker(type: Type, nulls: number): () => Tree {
    const make = this.#presentMaker(type);
    return () => this.#chance(nulls) ? null : make();
  }

  #presentMaker(type: Type): () => Tree {
    if (type.type === "struct") {
      const makers = type.fields.map((field) =>
        [field.name, this.#valueMaker(field.type, field.required ? 0 : 0.2)] as const
      );
      return () => Object.fromEntries(makers.map(([name, make]) => [name, make()]));
    }
    if (type.type === "list") {
      const make = this.#valueMaker(type.element, type.elementRequired ? 0 : 0.2);
      return () => Array.from({ length: this.#length() }, make);
    }
    if (type.type === "map") {
      const make = this.#valueMaker(type.value, type.valueRequired ? 0 : 0.2);
      return () => Array.from({ length: this.#length() }, (_, i): [Tree, Tree] => [`k${i}-${this.#int(50)}`, make()]);
    }
    return this.#columnMaker(type);
  }

  /** A column has its own habits: few values or many, sorted or not, extremes or not. */
  #columnMaker(type: PrimitiveType): () => Tree {
    const habit = this.#pick(["few", "many", "run", "sorted"]);
    const few = Array.from({ length: 1 + this.#int(20) }, () => this.#value(type));
    let count = 0;
    if (habit === "sorted" && SORTED[type.type] !== undefined) return () => SORTED[type.type]!(count++);
    if (habit === "many") return () => this.#value(type);
    if (habit === "run") return () => few[Math.floor(count++ / 100) % few.length]!;
    return () => this.#pick(few);
  }

  #value(type: PrimitiveType): Value {
    switch (type.type) {
      case "boolean":
        return this.#chance(0.5);
      case "int":
        return this.#pick([0, -1, 2 ** 31 - 1, -(2 ** 31), this.#int(100), this.#int(2 ** 31)]);
      case "date":
        return this.#pick([0, -1, this.#int(40_000), -this.#int(40_000)]);
      case "long":
        return this.#pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), BigInt(this.#int(100)), this.#signed(64)]);
      case "timestamp":
      case "timestamptz":
        return this.#pick([0n, -1n, BigInt(this.#int(2 ** 40)) * 1000n, -BigInt(this.#int(2 ** 40)) * 1000n]);
      case "time":
        return BigInt(this.#int(86_400_000)) * 1000n;
      case "float":
        return Math.fround(this.#double());
      case "double":
        return this.#double();
      case "string":
        return this.#text();
      case "uuid":
        return this.#pick([MIN_UUID, MAX_UUID, uuidText(this.#random.bytes(16))]);
      case "binary":
        return this.#random.bytes(this.#pick([0, 1, 3, 100]));
      case "fixed":
        return this.#random.bytes(type.length);
      case "decimal": {
        const largest = 10n ** BigInt(type.precision) - 1n;
        return this.#pick([0n, largest, -largest, 1n, -1n, this.#signed(128) % (largest + 1n)]);
      }
    }
  }

  #double(): number {
    return this.#pick([0, -0, NaN, Infinity, -Infinity, 1.5, -1e300, 5e-324, this.#random.next() * 1000 - 500]);
  }

  #text(): string {
    const starts = ["", "a", "é", "\u{10ffff}", "\u{1f600}", "\ud7ff", "z\u0000", "\ufffd", "日本"];
    const start = this.#pick(starts).repeat(this.#pick([1, 1, 2, 16, 17, 70, 300]));
    return start + this.#pick(["", "", String(this.#int(1000)), "\u{10ffff}".repeat(70)]);
  }

  #signed(bits: number): bigint {
    const bytes = this.#random.bytes(bits / 8);
    return BigInt.asIntN(bits, BigInt(`0x${bytes.toHex()}`));
  }

  #length(): number {
    return this.#pick([0, 0, 1, 1, 2, 3, 40]);
  }

  #int(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#int(items.length)]!;
  }
}

const MIN_UUID = "00000000-0000-0000-0000-000000000000";
const MAX_UUID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

const SORTED: Partial<Record<PrimitiveType["type"], (count: number) => Value>> = {
  int: (count) => count * 3 - 1000,
  date: (count) => Math.floor(count / 10),
  long: (count) => BigInt(count) * 1_000_003n,
  timestamptz: (count) => 1_772_323_200_000_000n + BigInt(count) * 977n,
  double: (count) => -count / 8,
  string: (count) => `key-${String(count).padStart(8, "0")}`,
  decimal: (count) => BigInt(count),
};

function uuidText(bytes: Uint8Array): string {
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
