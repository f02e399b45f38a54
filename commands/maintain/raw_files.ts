import { ifFound } from "../../core/base/errors.ts";
import { archivePathOf } from "../../core/lake/raw_archive.ts";
import type { BatchFile, JudgedFiles, LedgerFile } from "../../core/maintain/audit/audit.ts";
import type { AuditedBy, AuditRules } from "../../core/maintain/audit/audit_rules.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import type { SecondJudge, SecondJudgeOptions } from "../../core/routing/second_judge.ts";
import { locateFile } from "../../core/storage/file_name.ts";
import { parseLocation } from "../../core/storage/location.ts";
import type { FileInfo, Store } from "../../core/storage/store.ts";
import type { Context } from "../line/command.ts";
import { openLake } from "../open_lake.ts";

interface RawFilesOptions extends Omit<SecondJudgeOptions, "store" | "clock" | "random"> {
  rules: AuditRules;
}

/** Where a file is now, and by what it is judged. */
interface LocatedFile extends BatchFile {
  root: string;
  path: string;
  by: AuditedBy;
}

/** The raw files that a ledger names: those of the lake by path, those of other places by URI. */
export class RawFiles {
  readonly #places = new Map<string, Promise<{ store: Store; judge: SecondJudge }>>();
  readonly #judges: SecondJudge[] = [];
  /** Those that are to be judged next, by name. */
  readonly #archived = new Map<string, FileInfo>();
  archivedFiles = 0;
  readonly #context: Context;
  readonly #surroundings: Surroundings;
  readonly #options: RawFilesOptions;

  constructor(context: Context, surroundings: Surroundings, options: RawFilesOptions) {
    this.#context = context;
    this.#surroundings = surroundings;
    this.#options = options;
  }

  /** Undefined where the file is gone, or its place, and the archive lacks this version. */
  async etagOf(file: LedgerFile): Promise<string | undefined> {
    const { root, path } = locateFile(this.#surroundings.store.root, file.name);
    const found = await ifFound(this.#place(root).then(({ store }) => store.stat(path)));
    return found?.etag ?? (await this.#findArchived(file) ? file.etag : undefined);
  }

  /** A copy in a bucket may have another etag, for it says in which parts it was uploaded. */
  async #findArchived({ name, etag, size }: LedgerFile): Promise<boolean> {
    const { store } = this.#surroundings;
    const path = archivePathOf(name);
    const found = path === undefined ? undefined : await store.stat(path);
    if (found === undefined || (found.etag !== etag && (store.kind === "local" || found.size !== size))) return false;
    this.#archived.set(name, found);
    return true;
  }

  /** One place after another, because each has its own judge; files of the same rules together. */
  async judge(files: readonly BatchFile[]): Promise<JudgedFiles> {
    const judged: JudgedFiles = { parts: [], missing: [], guessed: [] };
    for (const judge of this.#judges) judge.clear();
    const located = await this.#locate(files);
    for (const [root, inPlace] of Map.groupBy(located, (file) => file.root)) {
      const { judge } = await this.#place(root);
      for (const [replay, judgedAlike] of Map.groupBy(inPlace, (file) => file.replay)) {
        for (const [by, group] of Map.groupBy(judgedAlike, (file) => file.by)) {
          const planned = group.map(({ name, path, etag, size }) => ({ name, path, etag, size }));
          const { missing, ...rows } = await judge.judge(planned, by);
          judged.parts.push({ ...rows, replay });
          judged.missing.push(...missing);
          if (by.areGuessed) judged.guessed.push(...new Set(group.map(({ batchId }) => batchId)));
        }
      }
    }
    return judged;
  }

  async #locate(files: readonly BatchFile[]): Promise<LocatedFile[]> {
    const { rules } = this.#options;
    const lakeRoot = this.#surroundings.store.root;
    const located: LocatedFile[] = [];
    for (const file of files) {
      const archived = this.#archived.get(file.name);
      const at = archived === undefined
        ? locateFile(lakeRoot, file.name)
        : { root: lakeRoot, path: archived.path, etag: archived.etag };
      if (archived !== undefined && file.replay === undefined) this.archivedFiles++;
      located.push({ ...file, ...at, by: await rules.of(BigInt(file.batchId), BigInt(file.replay ?? file.batchId)) });
    }
    this.#archived.clear();
    return located;
  }

  close(): void {
    for (const judge of this.#judges) judge.close();
  }

  #place(root: string) {
    const known = this.#places.get(root) ?? this.#open(root);
    this.#places.set(root, known);
    return known;
  }

  async #open(root: string) {
    const { SecondJudge } = await import("../../core/routing/second_judge.ts");
    const { store: lake, clock, random } = this.#surroundings;
    const store = root === lake.root ? lake : await openLake(this.#context, parseLocation(root));
    const judge = new SecondJudge({
      ...this.#options,
      store,
      clock,
      random,
      folder: `${this.#options.folder}/${this.#places.size}`,
    });
    this.#judges.push(judge);
    return { store, judge };
  }
}
