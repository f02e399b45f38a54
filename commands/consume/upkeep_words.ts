import { counted } from "../../core/base/counted.ts";
import type { UpkeepRecord } from "../../core/lake/upkeep_history.ts";
import { formatSize } from "../line/output.ts";

/** Upkeep does many small pieces: people are told their sum. */
const TOLD_MS = 60_000;

/** What upkeep did since it was told last. */
export class UpkeepWords {
  #sums = new Map<string, number>();
  #toldMs: number;

  constructor(nowMs: number) {
    this.#toldMs = nowMs;
  }

  /** What to say, when it is time. */
  add({ action, done }: UpkeepRecord, nowMs: number): string | undefined {
    for (const [what, count] of Object.entries(done)) {
      const key = `${action} ${what}`;
      this.#sums.set(key, (this.#sums.get(key) ?? 0) + count);
    }
    if (nowMs - this.#toldMs < TOLD_MS) return undefined;
    this.#toldMs = nowMs;
    return this.take();
  }

  /** The rest, when nothing more is done; undefined where there is none. */
  take(): string | undefined {
    const sum = (key: string) => this.#sums.get(key) ?? 0;
    const parts = [];
    const merged = sum("compact filesBefore"), deletes = sum("compact deleteFiles");
    if (merged > 0) parts.push(`merged ${counted(merged, "file")} into ${sum("compact filesAfter")}`);
    if (deletes > 0) parts.push(`applied ${counted(deletes, "delete file")}`);
    const expired = sum("expire-snapshots snapshots");
    if (expired > 0) parts.push(`expired ${counted(expired, "snapshot")}`);
    const deleted = sum("remove-files files");
    if (deleted > 0) parts.push(`deleted ${counted(deleted, "file")} (${formatSize(sum("remove-files bytes"))})`);
    for (const [action, words] of [["archive-raw-files", "archived"], ["delete-raw-files", "deleted"]]) {
      const taken = sum(action + " files"), size = formatSize(sum(action + " bytes"));
      if (taken > 0) parts.push(`${words} ${counted(taken, "raw file")} (${size})`);
    }
    this.#sums = new Map();
    return parts.length === 0 ? undefined : `upkeep: ${parts.join(", ")}`;
  }
}
