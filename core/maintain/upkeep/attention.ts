import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { TableDebt } from "./debt.ts";
import { DebtWatch } from "./debt_watch.ts";

/** What upkeep remembers of a table from one piece to the next. */
export interface Attention {
  /** What was begun last, as it is told of. */
  action: string;
  /** The kind of tidying that is looked at first. */
  turn: number;
  filesSeen: number;
  /** After the last look, or what it led to. */
  filesLeft: number;
  deletesSeen: number;
  /** They are looked at again when so many have come or gone. */
  filesUntilLook: number;
  lookMs: number;
  pauseUntilMs: number;
  /** Somebody else rewrites its files. */
  rewriteFromMs: number;
  /**
   * While no rows may be read, files are joined that are newer: rows of the others were read, for
   * they could not be. Undefined: nor could newer ones.
   */
  joinsAfter: bigint | undefined;
  /** Files that are left as they are, data and deletes. */
  damaged: Set<string>;
  failures: number;
  debt: TableDebt | undefined;
  watch: DebtWatch;
}

export const ANY_SEQUENCE = -1n;

export function newAttention(): Attention {
  return {
    action: "",
    turn: 0,
    filesSeen: NaN,
    filesLeft: NaN,
    deletesSeen: NaN,
    filesUntilLook: 1,
    lookMs: -Infinity,
    pauseUntilMs: -Infinity,
    rewriteFromMs: -Infinity,
    joinsAfter: ANY_SEQUENCE,
    damaged: new Set(),
    failures: 0,
    debt: undefined,
    watch: new DebtWatch(),
  };
}

/** The files without those that are left as they are. */
export function soundOf(files: readonly ScanFile[], { damaged }: Attention): ScanFile[] {
  return files.filter(({ dataFile, deletes }) => [dataFile, ...deletes].every(({ path }) => !damaged.has(path)));
}
