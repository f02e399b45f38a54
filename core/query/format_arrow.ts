import type { RowStream } from "../engine/duckdb_stream.ts";
export async function* formatArrow(_rows: RowStream): AsyncIterable<Uint8Array> {}
