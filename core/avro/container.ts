import type avro from "avsc";
import * as zlib from "node:zlib";
import { StreamlabError } from "../base/errors.ts";
import { type Json, parseJson } from "../base/json.ts";
import { type AvroSchema, compileSchema, type LongFields } from "./schema.ts";
import { readBytesMap, readLongAt, writeBytesMap, writeLong } from "./varint.ts";

/** Avro object container files (Avro specification 1.11, "Object Container Files"). */
const magic = [0x4f, 0x62, 0x6a, 0x01];
const syncLength = 16;
/** Bytes of a block before compression after which a new one is begun. */
const blockBytesMax = 64 * 1024;

export interface ContainerToWrite {
  /** Goes into the header as this very text: avsc would drop `field-id` and its like. */
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
  const type = compiledType(schemaText, container.schema, container.longs);
  const header: Record<string, Uint8Array> = {
    "avro.schema": textEncoder.encode(schemaText),
    "avro.codec": textEncoder.encode("deflate"),
  };
  for (const [key, value] of Object.entries(container.metadata)) header[key] = textEncoder.encode(value);
  const parts: Uint8Array[] = [Uint8Array.from(magic), writeBytesMap(header), container.sync];
  let block: Uint8Array[] = [], blockBytes = 0;
  const flush = () => {
    if (block.length === 0) return;
    const data = zlib.deflateRawSync(concat(block));
    parts.push(writeLong(block.length), writeLong(data.length), data, container.sync);
    block = [];
    blockBytes = 0;
  };
  for (const record of container.records) {
    const bytes = type.toBuffer(record);
    block.push(bytes);
    blockBytes += bytes.length;
    if (blockBytes >= blockBytesMax) flush();
  }
  flush();
  return concat(parts);
}

/** Throws `corrupt`, naming the file as `name`. */
export function decodeContainer<Row>(bytes: Uint8Array, longs: LongFields, name: string): Container<Row> {
  try {
    return decode(bytes, longs);
  } catch (error) {
    throw new StreamlabError("corrupt", `Cannot read the Avro file ${name}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function decode<Row>(bytes: Uint8Array, longs: LongFields): Container<Row> {
  if (!magic.every((byte, i) => bytes[i] === byte)) throw new Error("it does not begin as one");
  const header = readBytesMap(bytes, magic.length);
  const metadata = new Map<string, string>();
  for (const [key, value] of header.entries) metadata.set(key, textDecoder.decode(value));
  const schemaText = metadata.get("avro.schema") ?? "null";
  const schema: Json = parseJson(schemaText);
  const type = compiledType(schemaText, schema, longs);
  const codec = metadata.get("avro.codec") ?? "null";
  const sync = bytes.subarray(header.end, header.end + syncLength);
  if (sync.length < syncLength) throw new Error("its header does not end");
  const records: Row[] = [];
  let at = header.end + syncLength;
  while (at < bytes.length) {
    const count = readLongAt(bytes, at);
    const size = readLongAt(bytes, count.end);
    const end = size.end + size.value;
    if (end + syncLength > bytes.length) throw new Error("it ends within a block");
    decodeBlock(decompress(codec, bytes.subarray(size.end, end)), count.value, type, records);
    if (!sync.every((byte, i) => bytes[end + i] === byte)) throw new Error("a block does not end in the sync marker");
    at = end + syncLength;
  }
  return { schema, metadata, records };
}

function decodeBlock<Row>(data: Uint8Array, count: number, type: avro.Type, records: Row[]): void {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { value, offset } = type.decode(buffer, at);
    if (offset < 0) throw new Error("a block ends within a record");
    records.push(value as Row);
    at = offset;
  }
}

function decompress(codec: string, data: Uint8Array): Uint8Array {
  switch (codec) {
    case "null":
      return data;
    case "deflate":
      return zlib.inflateRawSync(data);
    case "zstandard":
      return zlib.zstdDecompressSync(data);
    default:
      throw new Error(`its codec "${codec}" is not supported`);
  }
}

/** Compiling takes about a millisecond, and a table has few schemas: the last ones are kept. */
const compiled = new Map<string, avro.Type>();
const compiledMax = 64;

function compiledType(text: string, schema: AvroSchema, longs: LongFields): avro.Type {
  const key = `${[...longs.numberFieldIds].join()};${text}`;
  let type = compiled.get(key);
  if (!type) {
    type = compileSchema(schema, longs);
    if (compiled.size >= compiledMax) compiled.delete(compiled.keys().next().value!);
    compiled.set(key, type);
  }
  return type;
}

function concat(parts: Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
