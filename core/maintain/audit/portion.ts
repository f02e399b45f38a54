import type { JudgedFile, JudgedGroup } from "../../lake/judge_task.ts";
import type { AuditRules } from "./audit_rules.ts";

/** A raw file as the ledger knows it, and the batch that has ingested it. */
export interface BatchFile {
  /** As the ledger calls it. */
  name: string;
  etag: string;
  /** Bytes. */
  size: number;
  /** Decimal. */
  batchId: string;
  /** Decimal; the one by whose rules, where it is a replay that has judged dead letters again. */
  replay: string | undefined;
  /** Whether no later replay has judged it again. */
  isLast: boolean;
}

/** Where a raw file is now. */
export interface FoundFile {
  /** Of the store, and the path there. */
  root: string;
  path: string;
  /** As that store has it. */
  etag: string;
  /** Whether it has what was ingested. */
  isSame: boolean;
}

export type SameFile = BatchFile & { at: FoundFile };

/** Raw files that are judged together. */
export interface Portion {
  /** From 0. */
  number: number;
  files: JudgedFile[];
  groups: JudgedGroup[];
}

export interface PlannedPortion extends Portion {
  /** Batches whose own rules are not remembered. */
  guessed: string[];
}

/** Files of the same place and rules are a group: they are judged at once. */
export async function portionOf(
  number: number,
  files: readonly SameFile[],
  rules: AuditRules,
): Promise<PlannedPortion> {
  const once = new Map(files.map((file) => [`${file.name} ${file.replay}`, file]));
  const judged = await Promise.all(
    once.values().map(async (file) => {
      return { file, by: await rules.of(BigInt(file.batchId), BigInt(file.replay ?? file.batchId)) };
    }),
  );
  const groups: JudgedGroup[] = [], guessed: string[] = [];
  for (const [root, inPlace] of Map.groupBy(judged, ({ file }) => file.at.root)) {
    for (const [replay, judgedAlike] of Map.groupBy(inPlace, ({ file }) => file.replay)) {
      for (const [{ rules, areOfBatches, areGuessed }, group] of Map.groupBy(judgedAlike, ({ by }) => by)) {
        const planned = group.map(({ file: { name, size, at: { path, etag } } }) => ({ name, path, etag, size }));
        groups.push({ root, replay, rules, areOfBatches, files: planned });
        if (areGuessed) guessed.push(...new Set(group.map(({ file }) => file.batchId)));
      }
    }
  }
  return {
    number,
    files: files.map(({ name, batchId, replay, isLast }) => ({ name, batchId, replay, isLast })),
    groups,
    guessed,
  };
}

/** Of one that has several files: all that is judged of a file is in one half. */
export function halvesOf({ number, files, groups }: Portion): Portion[] {
  const names = [...new Set(files.map(({ name }) => name))];
  const first = new Set(names.slice(0, Math.ceil(names.length / 2)));
  return [true, false].map((isFirst) => {
    const isIn = ({ name }: { name: string }) => first.has(name) === isFirst;
    const parts = groups.map((group) => ({ ...group, files: group.files.filter(isIn) }));
    return { number, files: files.filter(isIn), groups: parts.filter(({ files }) => files.length > 0) };
  });
}
