import type { Table, Vector } from "apache-arrow";
import type { ShopEvent } from "./event.ts";
import { uuidText } from "./uuid_text.ts";
import type { Compression } from "../disk/decompress.ts";

type TextColumn = "user_id" | "event_id" | "event_type" | "product_id" | "country" | "extra";
export type ColumnName = "user_id" | "event_id" | "event_timestamp" | "event_type" | "product_id" | "properties";

const TEXT = new TextEncoder();

/**
 * Rows of one file, column by column; every column may hold nulls, as files of unknown making have
 * them.
 */
export class EventColumns {
  /** Columns of the contract. */
  readonly names: readonly ColumnName[] = [
    "user_id",
    "event_id",
    "event_timestamp",
    "event_type",
    "product_id",
    "properties",
  ];
  readonly size: number;
  /** Name of the column that the contract does not know; undefined: there is none. */
  readonly extraColumn: string | undefined;
  readonly hasCountry: boolean;
  readonly text: Record<TextColumn, (string | null)[]>;
  /** Microseconds since 1970. */
  readonly timestamps: BigInt64Array;
  readonly timestampIsSet: boolean[];
  readonly properties: (readonly (readonly [string, string])[] | null)[];

  constructor(size: number, options: { country: boolean; extraColumn: string | undefined }) {
    const column = () => new Array<string | null>(size).fill(null);
    this.size = size;
    this.hasCountry = options.country;
    this.extraColumn = options.extraColumn;
    this.text = {
      user_id: column(),
      event_id: column(),
      event_type: column(),
      product_id: column(),
      country: column(),
      extra: column(),
    };
    this.timestamps = new BigInt64Array(size);
    this.timestampIsSet = new Array<boolean>(size).fill(false);
    this.properties = new Array<null>(size).fill(null);
  }

  set(row: number, event: ShopEvent): void {
    this.text.user_id[row] = event.user.id;
    this.text.event_id[row] = uuidText(event.id);
    this.text.event_type[row] = event.type;
    this.text.product_id[row] = event.product?.id ?? null;
    this.text.country[row] = event.country ?? null;
    this.text.extra[row] = "newsletter";
    this.timestamps[row] = BigInt(event.timestampUs);
    this.timestampIsSet[row] = true;
    this.properties[row] = event.properties.flatMap(({ entries }) => entries);
  }

  /** Makes the values null. */
  clear(row: number, names: readonly ColumnName[]): void {
    for (const name of names) {
      if (name === "event_timestamp") this.timestampIsSet[row] = false;
      else if (name === "properties") this.properties[row] = null;
      else this.text[name][row] = null;
    }
  }
}

/**
 * One Parquet file in memory. The writers are loaded here: they are large, and only this format
 * needs them.
 */
export async function writeParquet(columns: EventColumns, compression: Compression): Promise<Uint8Array> {
  const [arrow, parquet] = await Promise.all([import("apache-arrow"), import("parquet-wasm")]);
  const codec = {
    none: parquet.Compression.UNCOMPRESSED,
    gzip: parquet.Compression.GZIP,
    zstd: parquet.Compression.ZSTD,
  }[compression];
  const properties = new parquet.WriterPropertiesBuilder().setCompression(codec).setCreatedBy("streamlab").build();
  const table = parquet.Table.fromIPCStream(arrow.tableToIPC(arrowTable(arrow, columns), "stream"));
  return parquet.writeParquet(table, properties);
}

type Arrow = typeof import("apache-arrow");

function arrowTable(arrow: Arrow, columns: EventColumns): Table {
  const text = (name: TextColumn) => textVector(arrow, columns.text[name]);
  const timestamps = arrow.makeVector(arrow.makeData({
    type: new arrow.TimestampMicrosecond("UTC"),
    length: columns.size,
    ...validity(columns.timestampIsSet),
    data: columns.timestamps,
  }));
  return new arrow.Table({
    user_id: text("user_id"),
    event_id: text("event_id"),
    event_timestamp: timestamps,
    event_type: text("event_type"),
    product_id: text("product_id"),
    properties: propertiesVector(arrow, columns.properties),
    ...(columns.hasCountry && { country: text("country") }),
    ...(columns.extraColumn !== undefined && { [columns.extraColumn]: text("extra") }),
  });
}

function textData(arrow: Arrow, values: readonly (string | null)[]) {
  const offsets = new Int32Array(values.length + 1);
  for (const [index, value] of values.entries()) {
    offsets[index + 1] = offsets[index]! + (value === null ? 0 : TEXT.encode(value).length);
  }
  return arrow.makeData({
    type: new arrow.Utf8(),
    length: values.length,
    ...validity(values.map((value) => value !== null)),
    valueOffsets: offsets,
    data: TEXT.encode(values.map((value) => value ?? "").join("")),
  });
}

function textVector(arrow: Arrow, values: readonly (string | null)[]): Vector {
  return arrow.makeVector(textData(arrow, values));
}

function propertiesVector(arrow: Arrow, rows: EventColumns["properties"]): Vector {
  const entries = rows.flatMap((row) => row ?? []);
  const offsets = new Int32Array(rows.length + 1);
  for (const [index, row] of rows.entries()) offsets[index + 1] = offsets[index]! + (row?.length ?? 0);
  const entryType = new arrow.Struct<{ key: InstanceType<Arrow["Utf8"]>; value: InstanceType<Arrow["Utf8"]> }>([
    new arrow.Field("key", new arrow.Utf8(), false),
    new arrow.Field("value", new arrow.Utf8(), true),
  ]);
  const child = arrow.makeData({
    type: entryType,
    length: entries.length,
    nullCount: 0,
    children: [
      textData(arrow, entries.map(([key]) => key)),
      textData(arrow, entries.map(([, value]) => value)),
    ],
  });
  return arrow.makeVector(arrow.makeData({
    type: new arrow.Map_(new arrow.Field("entries", entryType, false)),
    length: rows.length,
    ...validity(rows.map((row) => row !== null)),
    valueOffsets: offsets,
    child,
  }));
}

/** Arrow's validity bitmap, least significant bit first; none where nothing is null. */
function validity(isSet: readonly boolean[]): { nullCount: number; nullBitmap?: Uint8Array } {
  const nullCount = isSet.filter((set) => !set).length;
  if (nullCount === 0) return { nullCount };
  const nullBitmap = new Uint8Array(Math.ceil(isSet.length / 64) * 8);
  for (const [row, set] of isSet.entries()) {
    if (set) nullBitmap[row >> 3]! |= 1 << (row & 7);
  }
  return { nullCount, nullBitmap };
}
