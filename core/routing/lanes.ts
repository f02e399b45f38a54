import { StreamlabError } from "../base/errors.ts";
import { mapParallel } from "../base/parallel.ts";
import type { Contract } from "../contract/contract.ts";
import type { Judge } from "../contract/judge.ts";
import { plainPattern, type PlainShape, shapeOf } from "./sql/plain_pattern_sql.ts";
import { plainQuery } from "./sql/routing_sql.ts";
import type { WrittenFile } from "../engine/copy.ts";
import type { Connection, DuckDb } from "../engine/duckdb.ts";
import { readFilePart, type Scratch } from "../disk/scratch.ts";
import type { JudgedRows } from "./judged_rows.ts";
import type { EventFormat } from "../lake/event_file.ts";
import type { JudgingFunction } from "./judging_function.ts";
import { detailOfRow } from "./parquet_json_sql.ts";
import type { CountedFile } from "./record_sql.ts";
import { fileSources, type RecordSource } from "./record_source.ts";
import { type RecordQuery, unionRecords } from "./sql/record_query.ts";
import { writeRows, writeRowsInTurns } from "../tables/write/table_writer.ts";
import type { ColumnExpression, TargetTable } from "../tables/write/target_table.ts";

/** Below this size a second lane costs more than it saves, in files if not in time. */
const LANE_BYTES_MIN = 4 << 20;
/** How many files are sampled to learn the order of keys. */
const SAMPLED_FILES_MAX = 16;
const SAMPLED_BYTES = 16 << 10;
/** The last brace may end an object inside a record; this many are tried. */
const SAMPLE_TRIES_MAX = 8;

export interface LaneOptions {
  database: DuckDb;
  judging: JudgingFunction;
  scratch: Scratch;
  /** Of this attempt: its files lie in folders that start with it. */
  name: string;
  threads: number;
  contract: Contract;
  table: TargetTable;
  /** The columns after the contract's own; their SQL may use `_name` and `_position`. */
  metadata: readonly ColumnExpression[];
  judge: Judge;
  rows: JudgedRows;
  /** Write a few partitions at a time, because memory is too small for all. */
  inTurns: boolean;
}

/**
 * Routes the records of files that SQL can read: plain events straight to Parquet, all others to
 * the judge. DuckDB numbers records on one thread only, so the files are dealt to one lane per
 * thread.
 */
export async function runLanes(files: readonly CountedFile[], options: LaneOptions): Promise<WrittenFile[]> {
  if (files.length === 0) return [];
  const formats = new Map(files.map(({ number, format }) => [number, format]));
  options.judging.visit = (file, position, record) => judgeRecord(options, formats.get(file), file, position, record);
  const pattern = plainPattern(options.contract, sampleShapes(files, options.contract));
  const lanes = dealFiles(files, options.threads);
  const columns = [...options.contract.fields.map((field) => field.name), ...options.metadata.map(([name]) => name)];
  const written = await mapParallel(lanes, lanes.length, async (lane, index) => {
    const connection = await options.database.connect();
    try {
      const pack = `${laneName(options.name, index)}.pack.json`;
      const query = await laneQuery(connection, fileSources(lane, options.scratch.path(pack)), options, pattern);
      const write = options.inTurns ? writeRowsInTurns : writeRows;
      return await write(connection, options.scratch, laneName(options.name, index), options.table, query, columns);
    } finally {
      connection.close();
    }
  });
  return written.flat();
}

function laneName(name: string, lane: number): string {
  return `${name}-${lane}`;
}

/** Where a lane has written its data files. */
export function laneFolder(options: Pick<LaneOptions, "scratch">, name: string, lane: number): string {
  return options.scratch.path(laneName(name, lane));
}

async function laneQuery(
  connection: Connection,
  sources: readonly RecordSource[],
  { contract, metadata }: LaneOptions,
  pattern: ReturnType<typeof plainPattern>,
): Promise<string> {
  const queries: RecordQuery[] = [];
  for (const source of sources) queries.push(await source.records(connection));
  return plainQuery({ contract, pattern, records: unionRecords(queries), metadata });
}

function judgeRecord(
  options: LaneOptions,
  format: EventFormat | undefined,
  file: number,
  position: number,
  record: string,
): void {
  const { judge, rows } = options;
  const judgement = judge.judge(record);
  if (judgement.kind === "dead_letter" && format === "parquet") {
    const detail = detailOfRow(judgement.detail, record);
    return rows.add(file, position, record, { ...judgement, detail });
  }
  if (judgement.kind !== "not_json") return rows.add(file, position, record, judgement);
  // DuckDB accepts lines that are not quite JSON (NaN, trailing commas). Arrays were already read
  // strictly.
  if (format === "json") {
    throw new StreamlabError("internal", `Cannot judge record ${position} of file ${file}: ${judgement.detail}`);
  }
  const { detail } = judgement;
  rows.addDeadLetter({ file, position, reason: "corrupted_record", detail, raw: record, values: null });
}

/**
 * Deals files by size, the largest first, each to the lane with the least; every lane keeps the
 * order of the plan.
 */
function dealFiles<F extends { number: number; size: number }>(files: readonly F[], threads: number): F[][] {
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const count = Math.max(1, Math.min(threads, files.length, Math.floor(total / LANE_BYTES_MIN)));
  const lanes = Array.from({ length: count }, () => ({ size: 0, files: [] as F[] }));
  for (const file of [...files].sort((a, b) => b.size - a.size)) {
    const lane = lanes.reduce((least, candidate) => candidate.size < least.size ? candidate : least);
    lane.files.push(file);
    lane.size += file.size;
  }
  return lanes.map((lane) => lane.files.sort((a, b) => a.number - b.number));
}

/**
 * The orders of keys in the first records of some files, the commonest first. Only a hint: any
 * answer is right.
 */
function sampleShapes(files: readonly CountedFile[], contract: Contract): PlainShape[] {
  const counts = new Map<string, { shape: PlainShape; count: number }>();
  const step = Math.max(1, Math.floor(files.length / SAMPLED_FILES_MAX));
  for (let i = 0; i < files.length; i += step) {
    for (const sample of sampleRecords(files[i]!)) {
      const shape = shapeOf(sample, contract);
      if (shape === undefined) continue;
      const key = JSON.stringify(shape);
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { shape, count: 1 });
      else known.count++;
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count).map((entry) => entry.shape);
}

/**
 * The whole records in a file's first bytes: what lies between the brackets up to the last end of
 * an object.
 */
function sampleRecords(file: CountedFile): unknown[] {
  if (file.format === "parquet") return [];
  const text = new TextDecoder().decode(readFilePart(file.path, Math.min(SAMPLED_BYTES, file.size), file.offset));
  if (file.format === "ndjson") {
    return text.split("\n").slice(0, -1).flatMap((line) => parsedOrNothing(line));
  }
  let end = text.lastIndexOf("}");
  for (let tries = 0; end > 0 && tries < SAMPLE_TRIES_MAX; tries++, end = text.lastIndexOf("}", end - 1)) {
    const [records] = parsedOrNothing(text.slice(text.indexOf("["), end + 1) + "]");
    if (Array.isArray(records)) return records;
  }
  return [];
}

function parsedOrNothing(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}
