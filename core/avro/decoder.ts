import type { Cursor } from "./cursor.ts";
import { type AvroSchema, isNumberField, type LongFields } from "./schema.ts";

/** Reads one value and moves the cursor behind it. */
export type Decoder = (cursor: Cursor) => unknown;

export interface DecodeOptions extends LongFields {
  /** Fields of records with these ids are skipped and left out. */
  skippedFieldIds?: ReadonlySet<number>;
}

interface Compiled {
  read: Decoder;
  skip(cursor: Cursor): void;
}

type SchemaObject = { [key: string]: AvroSchema };

const textDecoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** Rough bytes of memory: of a record and each of its fields, of what is in an array or a map. */
const RECORD_BYTES = 100, FIELD_BYTES = 16, ITEM_BYTES = 16, ENTRY_BYTES = 60;

/**
 * A function that reads values of this schema. It replaces avsc's, which cannot skip fields and
 * creates an object for every entry of a map; that was nearly all the time of reading a manifest.
 * An array of key-value records (Iceberg's form of maps whose keys are not strings) becomes a
 * `Map`.
 */
export function compileDecoder(schema: AvroSchema, options: DecodeOptions): Decoder {
  return new Compiler(options).compile(schema, false).read;
}

class Compiler {
  readonly #options: DecodeOptions;
  readonly #named = new Map<string, Compiled>();

  constructor(options: DecodeOptions) {
    this.#options = options;
  }

  /** `asNumber`: a long here is a number. */
  compile(schema: AvroSchema, asNumber: boolean): Compiled {
    if (typeof schema === "string") return this.#primitive(schema, asNumber);
    if (Array.isArray(schema)) return this.#union(schema.map((branch) => this.compile(branch, asNumber)));
    if (schema === null || typeof schema !== "object") throw new Error("its schema is none");
    switch (schema.type) {
      case "record":
        return this.#record(schema);
      case "array":
        return this.#array(schema);
      case "map":
        return this.#map(schema);
      case "fixed":
        return this.#name(schema, fixed(schema.size));
      case "enum":
        return this.#name(schema, enumeration(Array.isArray(schema.symbols) ? schema.symbols : []));
      default:
        return this.compile(schema.type ?? null, asNumber);
    }
  }

  #primitive(name: string, asNumber: boolean): Compiled {
    if (name === "long") return asNumber ? primitives.number! : primitives.long!;
    const compiled = primitives[name] ?? this.#named.get(name);
    if (!compiled) throw new Error(`its schema has an unknown type "${name}"`);
    return compiled;
  }

  #name(schema: SchemaObject, compiled: Compiled): Compiled {
    this.#named.set(String(schema.name), compiled);
    return compiled;
  }

  #union(branches: Compiled[]): Compiled {
    const branch = (cursor: Cursor) => {
      const found = branches[cursor.number()];
      if (!found) throw new Error("a union has no such branch");
      return found;
    };
    return { read: (cursor) => branch(cursor).read(cursor), skip: (cursor) => branch(cursor).skip(cursor) };
  }

  #record(schema: SchemaObject): Compiled {
    const fields: (Compiled & { name: string; isSkipped: boolean })[] = [];
    const compiled = this.#name(schema, {
      read: (cursor) => {
        cursor.budget.take(RECORD_BYTES + FIELD_BYTES * fields.length);
        const record: Record<string, unknown> = {};
        for (const field of fields) {
          if (field.isSkipped) field.skip(cursor);
          else record[field.name] = field.read(cursor);
        }
        return record;
      },
      skip: (cursor) => {
        cursor.budget.take(fields.length);
        for (const field of fields) field.skip(cursor);
      },
    });
    for (const field of (Array.isArray(schema.fields) ? schema.fields : []) as SchemaObject[]) {
      const id = field["field-id"];
      fields.push({
        ...this.compile(field.type ?? null, isNumberField(field, "field-id", this.#options)),
        name: String(field.name),
        isSkipped: typeof id === "number" && (this.#options.skippedFieldIds?.has(id) ?? false),
      });
    }
    return compiled;
  }

  #array(schema: SchemaObject): Compiled {
    const entry = keyAndValue(schema.items);
    if (entry) {
      const key = this.compile(entry.key.type ?? null, isNumberField(entry.key, "field-id", this.#options));
      const value = this.compile(entry.value.type ?? null, isNumberField(entry.value, "field-id", this.#options));
      return mapOf(key, value);
    }
    const item = this.compile(schema.items ?? null, isNumberField(schema, "element-id", this.#options));
    return {
      read: (cursor) => {
        const items: unknown[] = [];
        eachItem(cursor, ITEM_BYTES, () => items.push(item.read(cursor)));
        return items;
      },
      skip: (cursor) => skipItems(cursor, item.skip),
    };
  }

  #map(schema: SchemaObject): Compiled {
    return mapOf(
      primitives.string!,
      this.compile(schema.values ?? null, isNumberField(schema, "value-id", this.#options)),
    );
  }
}

const primitives: Record<string, Compiled> = {
  null: { read: () => null, skip: () => {} },
  boolean: { read: (cursor) => cursor.boolean(), skip: (cursor) => cursor.skip(1) },
  int: { read: (cursor) => cursor.number(), skip: (cursor) => cursor.skipLong() },
  number: { read: (cursor) => cursor.number(), skip: (cursor) => cursor.skipLong() },
  long: { read: (cursor) => cursor.long(), skip: (cursor) => cursor.skipLong() },
  float: { read: (cursor) => cursor.float(), skip: (cursor) => cursor.skip(4) },
  double: { read: (cursor) => cursor.double(), skip: (cursor) => cursor.skip(8) },
  bytes: { read: (cursor) => cursor.text(), skip: (cursor) => cursor.skip(cursor.number()) },
  string: { read: (cursor) => textDecoder.decode(cursor.text()), skip: (cursor) => cursor.skip(cursor.number()) },
};

function fixed(length: AvroSchema | undefined): Compiled {
  if (typeof length !== "number" || !Number.isSafeInteger(length) || length < 0) {
    throw new Error("its schema has a fixed type of no size");
  }
  return { read: (cursor) => cursor.fixed(length), skip: (cursor) => cursor.skip(length) };
}

function enumeration(symbols: AvroSchema[]): Compiled {
  const read = (cursor: Cursor) => {
    const symbol = symbols[cursor.number()];
    if (symbol === undefined) throw new Error("an enumeration has no such symbol");
    return symbol;
  };
  return { read, skip: (cursor) => cursor.skipLong() };
}

function mapOf(key: Compiled, value: Compiled): Compiled {
  return {
    read: (cursor) => {
      const map = new Map<unknown, unknown>();
      eachItem(cursor, ENTRY_BYTES, () => map.set(key.read(cursor), value.read(cursor)));
      return map;
    },
    skip: (cursor) =>
      skipItems(cursor, () => {
        key.skip(cursor);
        value.skip(cursor);
      }),
  };
}

function keyAndValue(items: AvroSchema | undefined): { key: SchemaObject; value: SchemaObject } | undefined {
  const fields = (items as SchemaObject | null | undefined)?.fields;
  if (!Array.isArray(fields) || fields.length !== 2) return undefined;
  const [key, value] = fields as SchemaObject[];
  return key!.name === "key" && value!.name === "value" ? { key: key!, value: value! } : undefined;
}

/** Arrays and maps come in blocks; one of a negative count tells its size in bytes too. */
function eachItem(cursor: Cursor, bytes: number, read: () => void): void {
  for (let count = cursor.number(); count !== 0; count = cursor.number()) {
    const size = count < 0 ? cursor.number() : undefined;
    const start = cursor.at;
    cursor.budget.take(Math.abs(count) * bytes);
    for (let i = Math.abs(count); i > 0; i--) read();
    if (size !== undefined && cursor.at !== start + size) throw new Error("a block of items has another size");
  }
}

function skipItems(cursor: Cursor, skip: (cursor: Cursor) => void): void {
  for (let count = cursor.number(); count !== 0; count = cursor.number()) {
    if (count < 0) {
      cursor.skip(cursor.number());
      continue;
    }
    cursor.budget.take(count);
    for (let i = count; i > 0; i--) skip(cursor);
  }
}
