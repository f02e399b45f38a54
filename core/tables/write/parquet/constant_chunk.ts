import { type EncodedChunk, ENCODING } from "./encoded_chunk.ts";

const BIT_WIDTH = 1;

/** A required column that has one value in all rows, as PLAIN has it and of fixed length. */
export function constantChunk(value: Uint8Array, rows: number): EncodedChunk {
  const bounds = { min: value, max: value };
  return {
    encoding: ENCODING.rleDictionary,
    dictionary: { bytes: value, values: 1 },
    pages: [{ bytes: indexRun(rows), levels: rows, rows, values: rows, nans: 0, bounds }],
    bounds,
    bloomFilter: undefined,
  };
}

/** One run of the dictionary's first index (Parquet, "Encodings": RLE). */
function indexRun(count: number): Uint8Array {
  const bytes = [BIT_WIDTH];
  let rest = count * 2;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push(rest % 0x80 + 0x80);
  return Uint8Array.from([...bytes, rest, 0]);
}
