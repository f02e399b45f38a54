import { measure, type Measured } from "./measured_process.ts";

/** What `bare_duckdb.ts` is to do. */
export interface BareJob {
  threads: number;
  /** A file, or a folder where it is partitioned. */
  target: string;
  format: "array" | "newline_delimited";
  /** DuckDB's types by name. */
  columns: Record<string, string>;
  /** An expression; undefined: one file. */
  partitionBy: string | undefined;
  files: readonly string[];
}

/** The default contract's. */
export const EVENT_COLUMNS: Readonly<Record<string, string>> = {
  user_id: "VARCHAR",
  event_id: "VARCHAR",
  event_type: "VARCHAR",
  event_timestamp: "TIMESTAMPTZ",
  product_id: "VARCHAR",
  properties: "MAP(VARCHAR, VARCHAR)",
};

/** Runs the job in a process of its own; `folder` is for its description. */
export async function runBare(job: BareJob, folder: string): Promise<Measured> {
  const path = `${folder}/bare.json`;
  await Deno.writeTextFile(path, JSON.stringify(job));
  const script = new URL("./bare_duckdb.ts", import.meta.url).pathname;
  return await measure(Deno.execPath(), ["run", "--no-check", "--allow-all", script, path], folder);
}
