import { isKind } from "../../base/errors.ts";
import type { Connection } from "../../engine/duckdb.ts";
import type { Scratch } from "../../disk/scratch.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { findField } from "../../iceberg/format/schema.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import { type FileMove, movesSince } from "../../iceberg/scan/appended_files.ts";
import { planScan, type ScanFile } from "../../iceberg/scan/scan.ts";
import type { DedupeRule } from "../../lake/dedupe_rule.ts";
import { type FileLayout, layoutsMatter, readLayouts } from "../../tables/read/file_layout.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import { partitionConstants } from "../../tables/read/partition_constants.ts";
import { tableSelect, viewFile } from "../../tables/read/scan_sql.ts";
import { eventTimeSql, keyNumberSql } from "../../lake/dedupe_sql.ts";
import type { TimeSpan } from "./time_span.ts";

/** Files that are read by one statement. */
const READ_FILES_MAX = 200;

/** Files whose keys came together, by `identityOf`. */
interface Group {
  files: ReadonlySet<string>;
  keys: number;
  /** What the holder calls them. */
  parts: readonly number[];
}

/** Where the keys of groups of files are. */
export interface KeyHolder {
  /** Beyond which those of files that are not needed now are forgotten. */
  readonly keysMax: number;
  /** What it takes of keys that are needed; undefined where it takes all of them. */
  readonly neededMax?: number;
  begin(): Promise<void>;
  /** `select`: its columns are `key`, as `keyNumberSql` has it, and `time`. */
  read(select: string, group: number): Promise<void>;
  forget(groups: ReadonlySet<number>): Promise<void>;
}

export interface KeyIndexOptions {
  /** A session of DuckDB, asked for when files are to be read. */
  connect: () => Promise<Connection>;
  scratch: Scratch;
  rule: DedupeRule;
  /** See `keyNumberSql`. */
  secret: string;
}

/** Files that may be in the table when it is looked at next, and whose keys are known. */
export interface ExpectedFiles {
  /** Their addresses. */
  files: ReadonlySet<string>;
  keys: number;
  add: (group: number) => Promise<void>;
}

/**
 * The keys that a table holds, with their times. It follows the table file by file, so it is right
 * whoever has written to the table, and may be thrown away at any time: what is needed is read
 * again.
 */
export class KeyIndex {
  readonly #options: KeyIndexOptions;
  readonly #holder: KeyHolder;
  readonly #groups = new Map<number, Group>();
  #made = 0;
  /** Whether the holder may have keys of files that are not in a group. */
  #isBroken = false;
  #expected: ExpectedFiles | undefined;
  /** The table's snapshot when it was followed last. */
  #seen: bigint | undefined;

  constructor(holder: KeyHolder, options: KeyIndexOptions) {
    this.#holder = holder;
    this.#options = options;
  }

  /** Empties it. */
  async begin(): Promise<void> {
    await this.#holder.begin();
    this.#groups.clear();
    this.#isBroken = false;
  }

  /** They need not be read if they all come into the table, and nothing deletes from them. */
  expect(expected: ExpectedFiles): void {
    this.#expected = expected;
  }

  /**
   * From then on the holder has what the table has of this span, and perhaps more of the table.
   * False where that is more than it may have: then it has less.
   */
  async follow(table: LoadedTable, span: TimeSpan): Promise<boolean> {
    if (this.#isBroken) await this.begin();
    const { at } = this.#options.rule;
    const { files, skipped } = await planScan(table.io, table.metadata, {
      predicate: {
        op: "and",
        of: [{ op: ">=", column: at, value: span.from }, { op: "<=", column: at, value: span.to }],
      },
      explainScan: true,
    });
    const wanted = new Map(files.map((file) => [identityOf(file), file]));
    const elsewhere = new Set(skipped.map(({ dataFile }) => dataFile.path));
    const isLive = (file: string) => wanted.has(file) || elsewhere.has(pathOf(file));
    const known = this.#expected === undefined ? this.#groups.values() : [...this.#groups.values(), this.#expected];
    if (![...known].every((group) => isAll(group.files, isLive))) {
      await this.#move(
        await this.#movesOf(table),
        new Map(files.map((file) => [file.dataFile.path, identityOf(file)])),
      );
    }
    await this.#forget([...this.#groups].filter(([, group]) => !isAll(group.files, isLive)));
    if (this.#expected !== undefined && isAll(this.#expected.files, isLive)) await this.#takeExpected(this.#expected);
    this.#expected = undefined;
    this.#seen = table.metadata.currentSnapshotId;
    if (recordsOf(files) > (this.#holder.neededMax ?? Infinity)) return false;
    await this.#forgetUnneeded(wanted);
    const missing = this.#missing(wanted);
    for (let from = 0; from < missing.length; from += READ_FILES_MAX) {
      await this.#read(table, missing.slice(from, from + READ_FILES_MAX));
    }
    return true;
  }

  /** Since the table was followed last; none where that cannot be told. */
  async #movesOf({ io, metadata }: LoadedTable): Promise<FileMove[]> {
    try {
      return await movesSince(io, metadata, this.#seen) ?? [];
    } catch (error) {
      if (isKind(error, "not-found")) return [];
      throw error;
    }
  }

  /** Notes where rows have moved, most often by compaction: their keys are known. */
  async #move(moves: readonly FileMove[], identities: ReadonlyMap<string, string>): Promise<void> {
    for (const { added, removed } of moves) {
      const paths = new Set(added.map(({ path }) => path)), expected = this.#expected;
      if (removed.length > 0) this.#regroup(removed, added, identities);
      else if (expected !== undefined && isAll(expected.files, (file) => paths.has(file))) {
        await this.#takeExpected(expected);
        this.#expected = undefined;
      }
    }
  }

  #regroup(removed: readonly DataFile[], added: readonly DataFile[], identities: ReadonlyMap<string, string>): void {
    const gone = new Set(removed.map(({ path }) => path));
    const old = [...this.#groups].filter(([, { files }]) => !isAll(files, (file) => !gone.has(pathOf(file))));
    const files = old.flatMap(([, group]) => [...group.files]);
    const known = new Set(files.map(pathOf));
    // Rows that come from elsewhere have keys that are not known: the new files will be read.
    if (!isAll(gone, (path) => known.has(path)) || rowsOf(added) !== rowsOf(removed)) return;
    for (const [number] of old) this.#groups.delete(number);
    this.#groups.set(old[0]![0], {
      files: new Set([
        ...files.filter((file) => !gone.has(pathOf(file))),
        ...added.map(({ path }) => identities.get(path) ?? path),
      ]),
      keys: old.reduce((sum, [, { keys }]) => sum + keys, 0),
      parts: old.flatMap(([, { parts }]) => parts),
    });
  }

  async #takeExpected(expected: ExpectedFiles): Promise<void> {
    const group = this.#newGroup(expected);
    // What fails half-way would leave a group without its keys.
    this.#isBroken = true;
    await expected.add(group);
    this.#isBroken = false;
  }

  #newGroup({ files, keys }: Pick<Group, "files" | "keys">): number {
    const number = ++this.#made;
    this.#groups.set(number, { files, keys, parts: [number] });
    return number;
  }

  async #forget(groups: readonly [number, Group][]): Promise<void> {
    if (groups.length === 0) return;
    for (const [number] of groups) this.#groups.delete(number);
    // What fails half-way would leave keys that nobody forgets: new events would repeat nothing.
    this.#isBroken = true;
    await this.#holder.forget(new Set(groups.flatMap(([, { parts }]) => parts)));
    this.#isBroken = false;
  }

  #missing(wanted: ReadonlyMap<string, ScanFile>): ScanFile[] {
    const read = new Set([...this.#groups.values()].flatMap(({ files }) => [...files]));
    return [...wanted].filter(([identity]) => !read.has(identity)).map(([, file]) => file);
  }

  async #forgetUnneeded(wanted: ReadonlyMap<string, ScanFile>): Promise<void> {
    const { keysMax, neededMax } = this.#holder;
    let keys = [...this.#groups.values()].reduce((sum, group) => sum + group.keys, recordsOf(this.#missing(wanted)));
    const unneeded: [number, Group][] = [];
    for (const [number, group] of this.#groups) {
      if (keys <= keysMax) break;
      if ([...group.files].some((file) => wanted.has(file))) continue;
      unneeded.push([number, group]);
      keys -= group.keys;
    }
    await this.#forget(unneeded);
    // Groups that are needed in part: without the rest of their files there is room.
    if (keys > keysMax && neededMax !== undefined) await this.begin();
  }

  async #read(table: LoadedTable, files: readonly ScanFile[]): Promise<void> {
    const { rule, secret, scratch } = this.#options;
    const local = new LocalFiles(table.io, scratch);
    const group = this.#newGroup({ files: new Set(files.map(identityOf)), keys: recordsOf(files) });
    const read = files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]);
    let isRead = false;
    try {
      const select = await this.#select(table, files, local);
      if (select !== undefined) {
        await this.#holder.read(
          `SELECT key, time FROM (
            SELECT ${keyNumberSql(rule, secret)} AS key, ${eventTimeSql(rule)} AS time FROM (${select})
          ) WHERE key IS NOT NULL AND time IS NOT NULL`,
          group,
        );
      }
      isRead = true;
    } catch (error) {
      throw await local.whyUnread(error, read);
    } finally {
      // Read again, half of them would be there twice.
      if (!isRead) await this.#forget([[group, this.#groups.get(group)!]]);
      await local.forget(read);
    }
  }

  /** Undefined where the table lacks a column of the key: nothing in it can be repeated. */
  async #select(
    { metadata }: LoadedTable,
    files: readonly ScanFile[],
    local: LocalFiles,
  ): Promise<string | undefined> {
    const { rule, connect } = this.#options;
    const schema = currentSchema(metadata);
    const names = new Set([...rule.by, rule.at]);
    const columns = schema.fields.filter(({ name }) => names.has(name));
    if (columns.length < names.size) return undefined;
    const places = await local.locate(files);
    const paths = files.map(({ dataFile }) => places.get(dataFile.path)!);
    const layouts: ReadonlyMap<string, FileLayout> = layoutsMatter(metadata)
      ? await readLayouts(await connect(), paths, metadata.properties)
      : new Map();
    return tableSelect({
      columns,
      fieldById: (id) => findField(schema, id),
      files: files.map((file) => {
        const view = viewFile(file, places);
        const layout = layouts.get(view.localPath);
        return layout === undefined
          ? view
          : { ...view, layout, constants: partitionConstants(metadata, file.dataFile) };
      }),
    });
  }
}

/** A file with what is deleted from it: other deletes leave other rows. */
function identityOf({ dataFile, deletes }: ScanFile): string {
  return [dataFile.path, ...deletes.map(({ path }) => path).sort()].join("\n");
}

function recordsOf(files: readonly ScanFile[]): number {
  return rowsOf(files.map(({ dataFile }) => dataFile));
}

function rowsOf(files: readonly DataFile[]): number {
  return files.reduce((sum, { recordCount }) => sum + recordCount, 0);
}

function isAll(files: ReadonlySet<string>, is: (file: string) => boolean): boolean {
  for (const file of files) if (!is(file)) return false;
  return true;
}

function pathOf(identity: string): string {
  return identity.split("\n", 1)[0]!;
}
