import { measure } from "../measured_process.ts";

/** Event files as `produce --dirty` makes them, and what `--truth` says of them. */
export interface BenchInput {
  /** The folder that holds the event files, and the lake around it. */
  raw: string;
  lake: string;
  files: number;
  eventsPerFile: number;
  bytes: number;
  /** Names of the files that are JSON. */
  readable: string[];
  /** Rows that consume must make of them. */
  events: number;
  letters: number;
}

interface TruthLine {
  file: string;
  bytes: number;
  corrupted: string | null;
  counts: Record<string, number>;
}

/** Makes the files below `scratch`; the same every time. */
export async function makeInput(
  program: readonly string[],
  scratch: string,
  files: number,
  eventsPerFile: number,
  more: readonly string[] = [],
): Promise<BenchInput> {
  const folder = `${scratch}/${files}x${eventsPerFile}`;
  await Deno.mkdir(folder);
  const sizes = ["--batches", String(files), "--batch-size", String(eventsPerFile), "--interval", "0"];
  const what = ["--dirty", "--seed", "1", "--start", "2026-03-01", "--truth", "truth.ndjson", ...more];
  await measure(program[0]!, [...program.slice(1), "produce", ...sizes, ...what], folder);
  const truth = (await Deno.readTextFile(`${folder}/truth.ndjson`)).trim().split("\n").map((line) =>
    JSON.parse(line) as TruthLine
  );
  const total = (count: (line: TruthLine) => number) => truth.reduce((sum, line) => sum + count(line), 0);
  const rows = total(({ counts }) => Object.values(counts).reduce((sum, count) => sum + count, 0));
  const events = total(({ counts }) => counts.event!);
  return {
    raw: `${folder}/lake/raw/events`,
    lake: `${folder}/lake`,
    files,
    eventsPerFile,
    bytes: total(({ bytes }) => bytes),
    readable: truth.filter(({ corrupted }) => corrupted === null).map(({ file }) => `${folder}/lake/${file}`),
    events,
    letters: rows - events,
  };
}
