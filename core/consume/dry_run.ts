import { isKind, StreamlabError } from "../base/errors.ts";
import type { DeadLetterReason } from "../contract/contract.ts";
import { Scratch } from "../disk/scratch.ts";
import { takeTemporaryFolder } from "../disk/temporary_folder.ts";
import { type Connection, DuckDb, quoteName, quotePath } from "../engine/duckdb.ts";
import { streamRows } from "../engine/duckdb_stream.ts";
import { OverlayCatalog } from "../iceberg/catalog/overlay_catalog.ts";
import { type Catalog, identifierText, type LoadedTable, requireTable } from "../iceberg/catalog/catalog.ts";
import { currentSchema } from "../iceberg/format/table_metadata.ts";
import { appendedSince } from "../iceberg/scan/appended_files.ts";
import { OUR_COLUMNS } from "../lake/our_columns.ts";
import { identifiersOf, TABLE_ROLES, type TableRole } from "../lake/table_names.ts";
import { shareMemory } from "../routing/memory_shares.ts";
import { OverlayStore } from "../storage/overlay/overlay_store.ts";
import type { Store } from "../storage/store.ts";
import { ConsumeSession, type ConsumeSessionOptions } from "./consume_session.ts";
import type { Discovery } from "./discover.ts";

/** A dead letter that would be, without its record. */
export interface FutureLetter {
  reason: DeadLetterReason;
  detail: string;
  file: string;
  /** Null where it is a whole file. */
  position: bigint | null;
}

export interface DryRun {
  /** Undefined where a limit ended it. */
  discovery: Discovery | undefined;
  limit: StreamlabError | undefined;
  /** `dead_letters.events` */
  deadLettersTable: string;
  /** Tables that would be made, and columns that the table of events would get. */
  newTables: string[];
  newColumns: string[];
}

/** Of a detail, its beginning: it is an example. */
const DETAIL_LENGTH_MAX = 1_000;

/**
 * What a run over the files that are there would do: the very run, over tables and a store whose
 * changes stay in a folder below `temporaryFolder`, which is removed. The lake is only read, and no
 * lock is taken: a consumer may be running.
 */
export async function dryRun(
  options: ConsumeSessionOptions,
  onLetter: (letter: FutureLetter) => void,
  signal: AbortSignal,
): Promise<DryRun> {
  const { clock, random } = options;
  const folder = await takeTemporaryFolder(options.temporaryFolder, "dryrun", options);
  try {
    const overlays = new Overlays(folder.path, options);
    const sink = overlays.of(options.sink);
    const catalog = new OverlayCatalog(options.catalog, {
      overlayOf: (store) => overlays.of(store),
      newTables: sink,
      clock,
      random,
    });
    const before = await loadBefore(options);
    const keepsEvents = options.dedupe !== undefined || options.upsert !== undefined;
    const letterOptions = { ...options, folder: `${folder.path}/letters`, keepsEvents };
    using letters = new FutureLetters(catalog, before, letterOptions, onLetter);
    const betweenBatches = () => letters.read();
    const session = await ConsumeSession.open({ ...options, sink, catalog, betweenBatches, leavesLake: true });
    let discovery: Discovery | undefined, limit: StreamlabError | undefined;
    try {
      discovery = await session.runOnce(signal);
    } catch (error) {
      if (!isKind(error, "limit")) throw error;
      limit = error;
      await letters.read();
    } finally {
      session.close();
    }
    return { discovery, limit, ...await differences(catalog, before) };
  } finally {
    folder.release();
  }
}

/** One for each store, whatever tables share it. */
class Overlays {
  readonly #folder: string;
  readonly #options: Pick<ConsumeSessionOptions, "clock" | "random">;
  readonly #overlays = new Map<Store, OverlayStore>();

  constructor(folder: string, options: Pick<ConsumeSessionOptions, "clock" | "random">) {
    this.#folder = folder;
    this.#options = options;
  }

  of(store: Store): OverlayStore {
    const { clock, random } = this.#options;
    const known = this.#overlays.get(store) ??
      new OverlayStore(store, { folder: `${this.#folder}/overlay-${this.#overlays.size}`, clock, random });
    this.#overlays.set(store, known);
    return known;
  }
}

type TablesBefore = Record<TableRole, { identifier: LoadedTable["identifier"]; table: LoadedTable | undefined }>;

async function loadBefore({ catalog, target }: ConsumeSessionOptions): Promise<TablesBefore> {
  const events = await catalog.loadTable(target);
  const { deadLetters, ledger } = identifiersOf(target, events?.metadata.properties);
  const load = async (identifier: LoadedTable["identifier"]) => {
    return { identifier, table: await catalog.loadTable(identifier) };
  };
  return {
    events: { identifier: target, table: events },
    deadLetters: await load(deadLetters),
    ledger: await load(ledger),
  };
}

async function differences(catalog: Catalog, before: TablesBefore) {
  const { events, deadLetters } = before;
  const columnsOf = ({ metadata }: LoadedTable) => currentSchema(metadata).fields.map(({ name }) => name);
  const known = new Set(events.table && columnsOf(events.table));
  const now = await requireTable(catalog, events.identifier);
  return {
    deadLettersTable: identifierText(deadLetters.identifier),
    newTables: TABLE_ROLES.filter((role) => before[role].table === undefined)
      .map((role) => identifierText(before[role].identifier)),
    newColumns: events.table === undefined ? [] : columnsOf(now).filter((name) => !known.has(name)),
  };
}

interface FutureLettersOptions extends Pick<ConsumeSessionOptions, "threads" | "memory"> {
  /** Local, for copies and for what DuckDB has no memory for. */
  folder: string;
  /** Later batches are compared with the events of earlier ones. */
  keepsEvents: boolean;
}

/** Reads the letters of each batch from the files that it has written, then frees their disk. */
class FutureLetters {
  readonly #catalog: Catalog;
  readonly #before: TablesBefore;
  readonly #options: FutureLettersOptions;
  readonly #onLetter: (letter: FutureLetter) => void;
  readonly #snapshots: Partial<Record<TableRole, bigint | undefined>>;
  readonly #resources = new DisposableStack();
  #connection: Connection | undefined;

  constructor(
    catalog: Catalog,
    before: TablesBefore,
    options: FutureLettersOptions,
    onLetter: (letter: FutureLetter) => void,
  ) {
    this.#catalog = catalog;
    this.#before = before;
    this.#options = options;
    this.#onLetter = onLetter;
    const current = (role: TableRole) => before[role].table?.metadata.currentSnapshotId;
    this.#snapshots = { events: current("events"), deadLetters: current("deadLetters") };
  }

  /** What has come since the last call. */
  async read(): Promise<void> {
    const letters = await this.#appended("deadLetters");
    if (letters.paths.length > 0) await this.#tell(letters);
    const done = [letters, ...(this.#options.keepsEvents ? [] : [await this.#appended("events")])];
    for (const { store, paths } of done) if (store instanceof OverlayStore) store.dropWritten(paths);
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }

  async #appended(role: TableRole): Promise<{ store: Store; paths: string[] }> {
    const { io, metadata } = await requireTable(this.#catalog, this.#before[role].identifier);
    const files = await appendedSince(io, metadata, this.#snapshots[role]);
    if (files === undefined) {
      const name = identifierText(this.#before[role].identifier);
      throw new StreamlabError("unavailable", `Cannot follow ${name}: it was rewritten meanwhile`, {
        hint: "Run again",
      });
    }
    this.#snapshots[role] = metadata.currentSnapshotId;
    return { store: io.location.store, paths: files.map(({ path }) => io.location.pathOf(path)) };
  }

  /** In the order of files and positions, so that examples are the same each time. */
  async #tell({ store, paths }: { store: Store; paths: string[] }): Promise<void> {
    const connection = await this.#connect();
    const files: string[] = [];
    for (const [index, path] of paths.entries()) {
      const copy = `${this.#options.folder}/${index}.parquet`;
      const local = store.localPath(path);
      if (local === undefined) await store.getFile(path, copy);
      files.push(local ?? copy);
    }
    const { deadLetterReason, deadLetterDetail, sourceFile, sourcePosition } = OUR_COLUMNS;
    const [reason, detail, file, position] = [deadLetterReason, deadLetterDetail, sourceFile, sourcePosition]
      .map(quoteName);
    const { chunks } = await streamRows(
      connection,
      `SELECT ${reason}, left(${detail}, ${DETAIL_LENGTH_MAX}), ${file}, ${position}
FROM read_parquet([${files.map(quotePath).join(", ")}], hive_partitioning = false) ORDER BY ${file}, ${position}`,
    );
    for await (const rows of chunks) {
      for (const [reason, detail, file, position] of rows) {
        this.#onLetter({
          reason: reason as DeadLetterReason,
          detail: detail as string ?? "",
          file: file as string,
          position: position as bigint | null,
        });
      }
    }
  }

  async #connect(): Promise<Connection> {
    if (this.#connection !== undefined) return this.#connection;
    const { folder, memory, threads } = this.#options;
    const scratch = Scratch.create(folder);
    const database = await DuckDb.open({
      threads: 1,
      memory: shareMemory(memory, threads).database,
      tempDirectory: scratch.path("spill"),
    });
    this.#resources.defer(() => database.close());
    const connection = await database.connect();
    this.#resources.defer(() => connection.close());
    return this.#connection = connection;
  }
}
