import denoJson from "../../../deno.json" with { type: "json" };
import { formatCount } from "../../base/counted.ts";
import { StreamlabError } from "../../base/errors.ts";
import { fileSize, readFilePart, Scratch } from "../../disk/scratch.ts";
import type { JudgedFile, JudgeResult, JudgeTask } from "../../lake/judge_task.ts";
import { SecondJudge, type SecondJudgeOptions } from "../../routing/second_judge.ts";
import { PlaceFiles } from "./place_files.ts";
import { WantedPlaces } from "./wanted_places.ts";

/**
 * Of an answer, which is one text wherever it is passed on. Many may arrive at once in a driver,
 * whose JVM has 1 GB unless said.
 */
const ANSWER_BYTES_MAX = 32e6;

/** Judges raw files again; what must be in the tables of them is in the result. */
export async function runJudgeTask(
  task: JudgeTask,
  tools: Pick<SecondJudgeOptions, "openStore" | "clock" | "random" | "folder">,
  bytesMax = ANSWER_BYTES_MAX,
): Promise<JudgeResult> {
  checkVersion(task);
  const { files, groups, rows, limits, number } = task;
  const judge = new SecondJudge({ ...tools, ...limits, tables: rows, folder: `${tools.folder}/judge` });
  try {
    const connection = await judge.connect();
    try {
      const places = new PlaceFiles(Scratch.create(`${tools.folder}/answer`));
      const wanted = await WantedPlaces.open(connection, places, rows);
      const { parts, missing } = await judge.judge(groups);
      await wanted.keep(files, parts);
      if (isTooLarge(task, places, bytesMax)) {
        return { format: 1, number, isTooLarge: true, missing: [], places: [], asked: [] };
      }
      return {
        format: 1,
        number,
        isTooLarge: false,
        missing,
        places: places.paths().map(base64Of),
        asked: places.paths("asked").map(base64Of),
      };
    } finally {
      connection.close();
    }
  } finally {
    judge.close();
  }
}

/** What a valid event is, and what a row is told by, may differ. */
function checkVersion({ version }: JudgeTask): void {
  if (version === denoJson.version) return;
  throw new StreamlabError(
    "usage",
    `Cannot judge files for streamlab ${version}: the program of the tasks is streamlab ${denoJson.version}`,
    { hint: "Name a program of the same version with --spark-program, or leave it out" },
  );
}

/** Fails with `usage` where there is only one file. */
function isTooLarge({ rows, files }: JudgeTask, places: PlaceFiles, bytesMax: number): boolean {
  const paths = [...places.paths(), ...places.paths("asked")];
  const bytes = paths.reduce((sum, path) => sum + fileSize(path), 0);
  if (bytes <= bytesMax) return false;
  const [{ name }, ...others] = files as [JudgedFile, ...JudgedFile[]];
  if (others.some((other) => other.name !== name)) return true;
  const megabytes = (size: number) => `${formatCount(Math.ceil(size / 1e6))} MB`;
  throw new StreamlabError(
    "usage",
    `Cannot judge ${name} of ${rows.events.name} in a task: what it found takes ${megabytes(bytes)}, and may take ` +
      megabytes(bytesMax),
    { hint: "Audit with --engine embedded" },
  );
}

function base64Of(path: string): string {
  return readFilePart(path, fileSize(path)).toBase64();
}
