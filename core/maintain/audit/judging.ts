import type { SecondJudge } from "../../routing/second_judge.ts";
import type { Portion } from "./portion.ts";
import type { WantedPlaces } from "./wanted_places.ts";

/** Who judges the raw files of an audit again. */
export interface Judging {
  /** `bytes`: of all of them. */
  pace(bytes: number): Promise<JudgingPace>;
  /**
   * Keeps where the records of these files must be. Returns the names of files that have changed
   * since they were found. Once the signal is there, it may fail with `interrupted`.
   */
  judge(portion: Portion, wanted: WantedPlaces, signal: AbortSignal): Promise<string[]>;
}

/** How much is judged together, and how many portions are under way at once. */
export interface JudgingPace {
  files: number;
  bytes: number;
  atOnce: number;
}

/** They are named in memory, and in a task. */
export const PORTION_FILES_MAX = 1_000;

/** Judges them in this process, one portion after another. */
export class EmbeddedJudging implements Judging {
  readonly #judge: SecondJudge;

  constructor(judge: SecondJudge) {
    this.#judge = judge;
  }

  pace(): Promise<JudgingPace> {
    return Promise.resolve({ files: PORTION_FILES_MAX, bytes: 64e6, atOnce: 1 });
  }

  async judge({ files, groups }: Portion, wanted: WantedPlaces): Promise<string[]> {
    const { parts, missing } = await this.#judge.judge(groups);
    await wanted.keep(files, parts);
    return missing;
  }
}
