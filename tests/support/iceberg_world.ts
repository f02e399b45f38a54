import { systemClock } from "../../core/base/clock.ts";
import { type Random, seededRandom, uuidV4 } from "../../core/base/random.ts";
import { copyToParquet, type FieldIdTree } from "../../core/engine/copy.ts";
import { type Connection, DuckDb, quoteName, quoteText } from "../../core/engine/duckdb.ts";
import { createTable, type PartitionColumnChoice } from "../../core/iceberg/action/create_table.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { type Catalog, identifierText, type LoadedTable, parseIdentifier } from "../../core/iceberg/catalog/catalog.ts";
import { commitTable, createTableIfAbsent } from "../../core/iceberg/commit.ts";
import { buildDataFile, type ColumnStatistics } from "../../core/iceberg/data_file_builder.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import { partitionColumns } from "../../core/iceberg/format/partition_spec.ts";
import { childFields, fieldsById, type Schema } from "../../core/iceberg/format/schema.ts";
import { partitionKey } from "../../core/iceberg/format/partition_spec.ts";
import type { Value } from "../../core/iceberg/format/single_value.ts";
import { currentSchema, defaultSpec } from "../../core/iceberg/format/table_metadata.ts";
import { applyTransform } from "../../core/iceberg/format/transform.ts";
import { type Field, isPrimitive, type PrimitiveType } from "../../core/iceberg/format/type.ts";
import type { Transaction } from "../../core/iceberg/transaction.ts";
import { Session } from "../../core/query/sql_session.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";

/**
 * A folder with a file catalog, and DuckDB to make data files with: what interop tests write tables
 * in.
 */
export class IcebergWorld {
  readonly random: Random = seededRandom(7);
  readonly store: Store;
  /** A file catalog in the folder, unless a test puts another there. */
  catalog: Catalog;
  readonly folder: string;
  readonly connection: Connection;

  private constructor(folder: string, connection: Connection) {
    this.folder = folder;
    this.connection = connection;

    this.store = openLocalStore(folder, { random: this.random, durable: false });
    this.catalog = new FileCatalog({ store: this.store, clock: systemClock, random: this.random });
  }

  static async use(action: (world: IcebergWorld) => Promise<void>): Promise<void> {
    const folder = await Deno.makeTempDir({ prefix: "streamlab-iceberg-" });
    const db = await DuckDb.open({ threads: 2 });
    const connection = await db.connect();
    try {
      await action(new IcebergWorld(folder, connection));
    } finally {
      connection.close();
      db.close();
      await Deno.remove(folder, { recursive: true });
    }
  }

  async create(name: string, fields: Field[], partitionBy: PartitionColumnChoice[] = []): Promise<LoadedTable> {
    const { random } = this;
    const change = (location: string) => createTable({ fields, partitionBy, location, random });
    return (await createTableIfAbsent(this.catalog, parseIdentifier(name), change, { random })).table;
  }

  /**
   * Appends the rows of a query, one file for each partition; its columns are the table's, by name.
   */
  async append(table: LoadedTable, query: string): Promise<LoadedTable> {
    const append = { files: await this.writeFiles(table, query) };
    return await this.commit(identifierText(table.identifier), async (transaction) => {
      transaction.add(await appendFiles(transaction, append));
    });
  }

  async load(name: string): Promise<LoadedTable> {
    return (await this.catalog.loadTable(parseIdentifier(name)))!;
  }

  async commit(name: string, build: (transaction: Transaction) => Promise<void> | void): Promise<LoadedTable> {
    const options = { clock: systemClock, random: this.random };
    return (await commitTable(this.catalog, parseIdentifier(name), build, options)).table;
  }

  async writeFiles(table: LoadedTable, query: string): Promise<DataFile[]> {
    const { metadata } = table;
    const schema = currentSchema(metadata);
    const columns = partitionColumns(defaultSpec(metadata), [schema]);
    await this.connection.run(`CREATE OR REPLACE TEMP TABLE source AS ${query}`);
    const sources = columns.map((column, i) => {
      const path = fieldsById(schema).get(column.field.sourceId)!.path.split(".").map(quoteName).join(".");
      return `${valueSql(path, column.source)} AS p${i}`;
    });
    const rows = await this.connection.rows(
      `SELECT rowid AS r${sources.map((sql) => `, ${sql}`).join("")} FROM source`,
    );
    const groups = new Map<string, { partition: (Value | null)[]; rowIds: unknown[] }>();
    for (const row of rows) {
      const partition = columns.map((column, i) => {
        const value = row[`p${i}`];
        const source = value === null ? null : valueFromSql(column.source, value);
        return applyTransform(column.field.transform, column.source, source);
      });
      const key = partitionKey(metadata.defaultSpecId, partition);
      const group = groups.get(key) ?? { partition, rowIds: [] };
      group.rowIds.push(row.r);
      groups.set(key, group);
    }
    const files: DataFile[] = [];
    for (const { partition, rowIds } of groups.values()) files.push(await this.#writeFile(table, partition, rowIds));
    return files;
  }

  async #writeFile(table: LoadedTable, partition: (Value | null)[], rowIds: unknown[]): Promise<DataFile> {
    const schema = currentSchema(table.metadata);
    const { location } = table.io;
    const name = `data/${uuidV4(this.random)}`;
    const directory = location.store.localPath(location.pathInStore(name))!;
    await Deno.mkdir(directory, { recursive: true });
    const present = await this.connection.rows("SELECT column_name FROM (DESCRIBE source)");
    const fields = schema.fields.filter((field) => present.some((column) => column.column_name === field.name));
    const names = fields.map((field) => quoteName(field.name)).join(", ");
    const [written] = await copyToParquet(this.connection, {
      query: `SELECT ${names} FROM source WHERE rowid IN (${rowIds.join(", ")}) ORDER BY rowid`,
      directory,
      fieldIds: Object.fromEntries(fields.map((field) => [field.name, fieldIdTree(field)])),
    });
    return buildDataFile({
      path: location.uriOf(`${name}/part.parquet`),
      specId: table.metadata.defaultSpecId,
      partition,
      recordCount: Number(written!.records),
      fileSizeBytes: Number(written!.size),
      columns: await this.#statistics(written!.path, schema, fields),
      splitOffsets: [4],
    }, schema);
  }

  async #statistics(path: string, schema: Schema, fields: Field[]): Promise<ColumnStatistics[]> {
    const leaves = [...fieldsById(schema).values()].filter(({ field, path: name, repeated }) =>
      isPrimitive(field.type) && !repeated && fields.some((top) => top.name === name.split(".")[0])
    );
    const sql = leaves.map(({ field, path: name }, i) => {
      const column = name.split(".").map(quoteName).join(".");
      const type = field.type as PrimitiveType;
      const isFloat = type.type === "float" || type.type === "double";
      const real = isFloat ? `CASE WHEN isnan(${column}) THEN NULL ELSE ${column} END` : column;
      const nans = isFloat ? `count(*) FILTER (isnan(${column}))` : "0";
      return `count(${column})::INT AS n${i}, ${valueSql(`min(${real})`, type)} AS lo${i}, ` +
        `${valueSql(`max(${real})`, type)} AS hi${i}, ${nans}::INT AS nan${i}`;
    });
    const [row] = await this.connection.rows(
      `SELECT count(*)::INT AS n, ${sql.join(", ")} FROM read_parquet(${quoteText(path)})`,
    );
    return leaves.map(({ field }, i) => {
      const type = field.type as PrimitiveType;
      const statistics: ColumnStatistics = {
        fieldId: field.id,
        valueCount: row!.n as number,
        nullCount: (row!.n as number) - (row![`n${i}`] as number),
      };
      if (type.type === "float" || type.type === "double") statistics.nanCount = row![`nan${i}`] as number;
      if (row![`lo${i}`] !== null) statistics.min = valueFromSql(type, row![`lo${i}`]);
      if (row![`hi${i}`] !== null) statistics.max = valueFromSql(type, row![`hi${i}`]);
      return statistics;
    });
  }

  /** What a question to our own `query` is answered, in the same form. */
  async ask(question: string): Promise<string[]> {
    const session = new Session({
      openCatalog: () => Promise.resolve(this.catalog),
      clock: systemClock,
      random: this.random,
      temporaryFolder: this.folder,
      threads: 2,
    });
    const text = `SELECT to_json(t)::VARCHAR AS j FROM (${question}) t ORDER BY j`;
    return await session.ask(text, {}, async (answer) => {
      const rows: string[] = [];
      for await (const chunk of answer.chunks) for (const [value] of chunk) rows.push(value as string);
      return rows;
    });
  }

  /** The rows of a query as the foreign readers' script prints them. */
  async jsonRows(query: string): Promise<string[]> {
    const rows = await this.connection.rows(`SELECT to_json(t)::VARCHAR AS j FROM (${query}) t ORDER BY j`);
    return rows.map((row) => row.j as string);
  }
}

function fieldIdTree(field: Field): FieldIdTree {
  const children = childFields(field.type);
  if (children.length === 0) return field.id;
  return { id: field.id, inner: Object.fromEntries(children.map((child) => [child.name, fieldIdTree(child)])) };
}

/** The SQL of a value in the form of `Value`, or what `valueFromSql` makes that of. */
function valueSql(column: string, type: PrimitiveType): string {
  switch (type.type) {
    case "date":
      return `(${column} - DATE '1970-01-01')::INT`;
    case "time":
    case "timestamp":
    case "timestamptz":
      return `epoch_us(${column})`;
    case "decimal":
      return `replace(${column}::VARCHAR, '.', '')`;
    case "uuid":
      return `${column}::VARCHAR`;
    case "fixed":
    case "binary":
      return `hex(${column})`;
    default:
      return column;
  }
}

function valueFromSql(type: PrimitiveType, value: unknown): Value {
  switch (type.type) {
    case "long":
    case "time":
    case "timestamp":
    case "timestamptz":
    case "decimal":
      return BigInt(value as string | bigint);
    case "int":
    case "date":
      return Number(value);
    case "fixed":
    case "binary":
      return Uint8Array.from((value as string).match(/../g) ?? [], (pair) => parseInt(pair, 16));
    default:
      return value as Value;
  }
}
