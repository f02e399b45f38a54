/** Answers as an Arrow IPC stream: the schema, then a record batch for every few thousand rows. */
import { Field, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct } from "apache-arrow";
import type { SqlValue } from "../../engine/duckdb.ts";
import type { RowStream } from "../../engine/duckdb_stream.ts";
import { arrowData } from "./arrow_data.ts";
import { arrowType } from "./arrow_type.ts";

const BATCH_ROWS_MIN = 16_384;

export async function* formatArrow(answer: RowStream): AsyncIterable<Uint8Array> {
  const schema = new Schema(answer.columns.map(({ name, type }) => new Field(name, arrowType(type), true)));
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  const output = writer[Symbol.asyncIterator]();
  const produced = drain(output);
  let pending: SqlValue[][] = [];
  const flush = () => {
    if (pending.length > 0) writer.write(recordBatch(answer, schema, pending));
    pending = [];
  };
  for await (const rows of answer.chunks) {
    pending.push(...rows);
    if (pending.length < BATCH_ROWS_MIN) continue;
    flush();
    yield* produced.take();
  }
  flush();
  writer.close();
  yield* await produced.rest();
}

/** Collects what the writer has put out, without waiting for more. */
function drain(output: AsyncIterator<Uint8Array>) {
  const pieces: Uint8Array[] = [];
  const ended = (async () => {
    for (let next = await output.next(); !next.done; next = await output.next()) pieces.push(next.value);
  })();
  return {
    take: () => pieces.splice(0),
    rest: async () => {
      await ended;
      return pieces.splice(0);
    },
  };
}

function recordBatch({ columns }: RowStream, schema: Schema, rows: SqlValue[][]): RecordBatch {
  const children = columns.map(({ type }, index) => arrowData(type, rows.map((row) => row[index] ?? null)));
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children }),
  );
}
