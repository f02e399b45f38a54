import type avro from "avsc";
import * as zlib from "node:zlib";
import { messageOf, StreamlabError } from "../base/errors.ts";
import { joinBytes } from "../base/join_bytes.ts";
import { parseJson } from "../base/json.ts";
import { Memo } from "../base/memo.ts";
import { Cursor } from "./cursor.ts";
import { DecodeBudget } from "./decode_budget.ts";
import { compileDecoder, type DecodeOptions, type Decoder } from "./decoder.ts";
import { type AvroSchema, compileSchema, type LongFields } from "./schema.ts";
import { readBytesMap, readLongAt, writeBytesMap, writeLong } from "./varint.ts";

/** Avro object container files (Avro specification 1.11, "Object Container Files"). */
const MAGIC = [0x4f, 0x62, 0x6a, 0x01];
const SYNC_LENGTH = 16;
/** Bytes of a block before compression after which a new one is begun. */
const BLOCK_BYTES_MAX = 64 * 1024;

export interface ContainerToWrite {
  /** Written to the header unchanged: avsc would drop attributes such as `field-id`. */
  schema: AvroSchema;
  longs: LongFields;
  /** Key-value metadata of the header besides schema and codec. */
  metadata: Record<string, string>;
  records: unknown[];
  /** 16 bytes that separate blocks. */
  sync: Uint8Array;
}

export interface Container<Row> {
  schema: AvroSchema;
  metadata: Map<string, string>;
  records: Row[];
}

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

/** The file's bytes, compressed with deflate. */
export function encodeContainer(container: ContainerToWrite): Uint8Array {
  const schemaText = JSON.stringify(container.schema);
  const type = containerEncoder(schemaText, container.schema, container.longs);
  const header: Record<string, Uint8Array> = {
    "avro.schema": textEncoder.encode(schemaText),
    "avro.codec": textEncoder.encode("deflate"),
  };
  for (const [key, value] of Object.entries(container.metadata)) header[key] = textEncoder.encode(value);
  const parts: Uint8Array[] = [Uint8Array.from(MAGIC), writeBytesMap(header), container.sync];
  let block: Uint8Array[] = [], blockBytes = 0;
  const flush = () => {
    if (block.length === 0) return;
    const data = zlib.deflateRawSync(joinBytes(block));
    parts.push(writeLong(block.length), writeLong(data.length), data, container.sync);
    block = [];
    blockBytes = 0;
  };
  for (const record of container.records) {
    const bytes = type.toBuffer(record);
    block.push(bytes);
    blockBytes += bytes.length;
    if (blockBytes >= BLOCK_BYTES_MAX) flush();
  }
  flush();
  return joinBytes(parts);
}

/** The file's header and its blocks; the records are decoded as they are walked. */
export interface OpenContainer {
  /** Shared with other files of the same schema: not to be changed. */
  schema: AvroSchema;
  metadata: Map<string, string>;
  decoder(options: DecodeOptions): Decoder;
  blocks(): Iterable<ContainerBlock>;
}

export interface ContainerBlock {
  /** Of its records. */
  count: number;
  /** Decompressed. */
  data: Uint8Array;
  /** The file's. */
  budget: DecodeBudget;
}

/** Of all blocks of a file together, decompressed. */
const UNPACKED_BYTES_MAX = 256 * 1024 * 1024;
/** Each record takes at least a place in a list. */
const RECORD_BYTES = 16;

/** All records. Throws `corrupt`, naming the file as `name`. */
export function decodeContainer<Row>(bytes: Uint8Array, options: DecodeOptions, name: string): Container<Row> {
  return readingContainer(name, () => {
    const { schema, metadata, decoder, blocks } = openContainer(bytes);
    const read = decoder(options);
    const records: Row[] = [];
    for (const block of blocks()) readBlock(block, (cursor) => records.push(read(cursor) as Row));
    return { schema, metadata, records };
  });
}

/** Calls `read` for each record of a block, and checks that the block holds nothing else. */
export function readBlock({ count, data, budget }: ContainerBlock, read: (cursor: Cursor) => void): void {
  const cursor = new Cursor(data, budget);
  budget.take(count * RECORD_BYTES);
  for (let i = 0; i < count; i++) read(cursor);
  if (cursor.at !== data.length) throw new Error("a block holds more than its records");
}

/** Calls `read`; turns its errors into `corrupt`, with the file's name. */
export function readingContainer<Result>(name: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (error instanceof StreamlabError) throw error;
    // Too deep for the stack, too long for a list.
    const reason = error instanceof RangeError ? "it is nested too deep, or too large" : messageOf(error);
    throw new StreamlabError("corrupt", `Cannot read the Avro file ${name}: ${reason}`, { cause: error });
  }
}

export function openContainer(bytes: Uint8Array): OpenContainer {
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) throw new Error("it does not begin as one");
  const header = readBytesMap(bytes, MAGIC.length);
  const metadata = new Map<string, string>();
  for (const [key, value] of header.entries) metadata.set(key, textDecoder.decode(value));
  const codec = metadata.get("avro.codec") ?? "null";
  const sync = bytes.subarray(header.end, header.end + SYNC_LENGTH);
  if (sync.length < SYNC_LENGTH) throw new Error("its header does not end");
  function* blocks() {
    const budget = new DecodeBudget();
    let bytesLeft = UNPACKED_BYTES_MAX;
    let at = header.end + SYNC_LENGTH;
    while (at < bytes.length) {
      const count = readLongAt(bytes, at);
      const size = readLongAt(bytes, count.end);
      if (count.value < 0 || size.value < 0) throw new Error("a block has a negative number of records or bytes");
      const end = size.end + size.value;
      if (end + SYNC_LENGTH > bytes.length) throw new Error("it ends within a block");
      if (!sync.every((byte, i) => bytes[end + i] === byte)) throw new Error("a block does not end in the sync marker");
      const data = decompress(codec, bytes.subarray(size.end, end), bytesLeft);
      bytesLeft -= data.length;
      yield { count: count.value, data, budget };
      at = end + SYNC_LENGTH;
    }
  }
  const { schema, decoder } = readSchema(metadata.get("avro.schema") ?? "null");
  return { schema, metadata, decoder, blocks };
}

/** Compiling one takes about a millisecond, and a table has few: the last ones are kept. */
const SCHEMAS_KEPT = 64;
const schemas = new Memo<Pick<OpenContainer, "schema" | "decoder">>(SCHEMAS_KEPT);

function readSchema(text: string): Pick<OpenContainer, "schema" | "decoder"> {
  return schemas.get(text, () => {
    const schema: AvroSchema = parseJson(text), decoders = new Memo<Decoder>(SCHEMAS_KEPT);
    const decoder = (options: DecodeOptions) => {
      const ids = [options.numberFieldIds, options.skippedFieldIds ?? []].map((set) => [...set].join()).join(";");
      return decoders.get(ids, () => compileDecoder(schema, options));
    };
    return { schema, decoder };
  });
}

function decompress(codec: string, data: Uint8Array, bytesMax: number): Uint8Array {
  // Node knows no limit of 0.
  const limit = { maxOutputLength: Math.max(1, bytesMax) };
  try {
    switch (codec) {
      case "null":
        return data;
      case "deflate":
        return plain(zlib.inflateRawSync(data, limit));
      case "zstandard":
        return plain(zlib.zstdDecompressSync(data, limit));
    }
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_BUFFER_TOO_LARGE") throw error;
    throw new Error(`it unpacks to more than ${Math.floor(UNPACKED_BYTES_MAX / 1e6)} MB`);
  }
  throw new Error(`its codec "${codec}" is not supported`);
}

/** Not node's Buffer: it overrides `subarray` and compares differently. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

const encoders = new Memo<avro.Type>(SCHEMAS_KEPT);

function containerEncoder(text: string, schema: AvroSchema, longs: LongFields): avro.Type {
  return encoders.get(`${[...longs.numberFieldIds].join()};${text}`, () => compileSchema(schema, longs));
}
