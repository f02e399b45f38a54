/**
 * What the program takes of DuckDB's client, as one module that is loaded when it is needed
 * (duckdb_library.ts): linked by its names, the client's 120 files go into the compiled program as
 * one, which takes a start half of the time.
 */
import accessors from "@duckdb/node-api/lib/vectors/dataAccessors.js";

export { DuckDBInstance, DuckDBTypeId } from "@duckdb/node-api";
export { default as bindings } from "@duckdb/node-bindings";

// The client (1.5.5) decodes every text as if it were a file, and so loses a U+FEFF at its start,
// which is part of the value.
(accessors as { textDecoder: TextDecoder }).textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
