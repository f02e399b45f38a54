import type { Connection } from "../../engine/duckdb.ts";
import type { Scratch } from "../../disk/scratch.ts";
import type { LoadedTable } from "../../iceberg/catalog/catalog.ts";
import { findField } from "../../iceberg/format/schema.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import { planScan, type ScanFile } from "../../iceberg/scan/scan.ts";
import type { DedupeRule } from "../../lake/dedupe_rule.ts";
import { type FileLayout, layoutsMatter, readLayouts } from "../../tables/read/file_layout.ts";
import { LocalFiles } from "../../tables/read/local_files.ts";
import { partitionConstants } from "../../tables/read/partition_constants.ts";
import { tableSelect, viewFile } from "../../tables/read/scan_sql.ts";
import { eventTimeSql, keyNumberSql } from "../../lake/dedupe_sql.ts";

/** A span of event times, microseconds since 1970, both ends included. */
export interface TimeSpan {
  from: bigint;
  to: bigint;
}

/** Files that are read by one statement. */
const READ_FILES_MAX = 200;
/** Keys beyond which those of files that are not needed now are forgotten: about a gigabyte. */
const KEYS_MAX = 40_000_000;

/** Files whose keys were read together, by `identityOf`. */
interface Group {
  files: ReadonlySet<string>;
  keys: number;
}

/**
 * The keys that a table holds, with their times: in DuckDB, which spills them to scratch. It
 * follows the table file by file, so it is right whoever has written to the table, and may be
 * thrown away at any time: what is needed is read again.
 */
export class KeyIndex {
  readonly #connection: Connection;
  readonly #scratch: Scratch;
  readonly #rule: DedupeRule;
  readonly #secret: string;
  readonly #groups = new Map<number, Group>();
  #made = 0;

  constructor(connection: Connection, scratch: Scratch, rule: DedupeRule, secret: string) {
    this.#connection = connection;
    this.#scratch = scratch;
    this.#rule = rule;
    this.#secret = secret;
  }

  /** An empty table, of these columns: `key`, `time`, and the number of a group. */
  async begin(): Promise<void> {
    await this.#connection.run("CREATE OR REPLACE TEMP TABLE kept (key UHUGEINT, time BIGINT, part INTEGER)");
    this.#groups.clear();
  }

  /** From then on `kept` has what the table holds of this span, and perhaps more of the table. */
  async follow(table: LoadedTable, span: TimeSpan): Promise<void> {
    const { files, skipped } = await planScan(table.io, table.metadata, {
      predicate: {
        op: "and",
        of: [
          { op: ">=", column: this.#rule.at, value: span.from },
          { op: "<=", column: this.#rule.at, value: span.to },
        ],
      },
      explainScan: true,
    });
    const wanted = new Map(files.map((file) => [identityOf(file), file]));
    const elsewhere = new Set(skipped.map(({ dataFile }) => dataFile.path));
    const isLive = (file: string) => wanted.has(file) || elsewhere.has(pathOf(file));
    for (const [number, group] of this.#groups) {
      if (![...group.files].every(isLive)) await this.#forget(number);
    }
    const isRead = (file: string) => [...this.#groups.values()].some((group) => group.files.has(file));
    const missing = [...wanted].filter(([identity]) => !isRead(identity)).map(([, file]) => file);
    for (let from = 0; from < missing.length; from += READ_FILES_MAX) {
      await this.#read(table, missing.slice(from, from + READ_FILES_MAX));
    }
    await this.#forgetUnneeded(new Set(wanted.keys()));
  }

  async #forget(number: number): Promise<void> {
    await this.#connection.run(`DELETE FROM kept WHERE part = ${number}`);
    this.#groups.delete(number);
  }

  async #forgetUnneeded(wanted: ReadonlySet<string>): Promise<void> {
    let keys = [...this.#groups.values()].reduce((sum, group) => sum + group.keys, 0);
    for (const [number, group] of this.#groups) {
      if (keys <= KEYS_MAX) return;
      if ([...group.files].some((file) => wanted.has(file))) continue;
      await this.#forget(number);
      keys -= group.keys;
    }
  }

  async #read(table: LoadedTable, files: readonly ScanFile[]): Promise<void> {
    const local = new LocalFiles(table.io, this.#scratch);
    const number = this.#made++;
    try {
      const select = await this.#select(table, files, local);
      if (select !== undefined) {
        await this.#connection.run(`
          INSERT INTO kept SELECT key, time, ${number} FROM (
            SELECT ${keyNumberSql(this.#rule, this.#secret)} AS key, ${
          eventTimeSql(this.#rule)
        } AS time FROM (${select})
          ) WHERE key IS NOT NULL AND time IS NOT NULL`);
      }
    } finally {
      await local.forget(files.flatMap(({ dataFile, deletes }) => [dataFile, ...deletes]));
    }
    const keys = files.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0);
    this.#groups.set(number, { files: new Set(files.map(identityOf)), keys });
  }

  /** Undefined where the table lacks a column of the key: nothing in it can be repeated. */
  async #select(
    { metadata }: LoadedTable,
    files: readonly ScanFile[],
    local: LocalFiles,
  ): Promise<string | undefined> {
    const schema = currentSchema(metadata);
    const names = new Set([...this.#rule.by, this.#rule.at]);
    const columns = schema.fields.filter(({ name }) => names.has(name));
    if (columns.length < names.size) return undefined;
    const places = await local.locate(files);
    const paths = files.map(({ dataFile }) => places.get(dataFile.path)!);
    const layouts: ReadonlyMap<string, FileLayout> = layoutsMatter(metadata)
      ? await readLayouts(this.#connection, paths, metadata.properties)
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

function pathOf(identity: string): string {
  return identity.split("\n", 1)[0]!;
}
