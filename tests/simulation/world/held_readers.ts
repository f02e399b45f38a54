import { strictEqual } from "node:assert/strict";
import { messageOf } from "../../../core/base/errors.ts";
import { FileCatalog } from "../../../core/iceberg/catalog/file_catalog.ts";
import { type LoadedTable, requireTable, type TableIdentifier } from "../../../core/iceberg/catalog/catalog.ts";
import { snapshotOfRef } from "../../../core/iceberg/format/table_metadata.ts";
import { planScan, type ScanFile } from "../../../core/iceberg/scan/scan.ts";
import type { SimulatedStore } from "../../support/simulated_store.ts";
import type { DataRows } from "./data_rows.ts";
import { GRACE_MS, type Life, WALKER } from "./life.ts";
import { liveRows } from "./light_rewriting.ts";

/** What a reader's last requests may take. */
const LAST_MS = 2_000;

/** What readers came upon, and what they held. */
export interface HeldReads {
  /** What they missed or saw otherwise, a line each. */
  problems: string[];
  readers: number;
  /** Paths of data files, by each of them. */
  files: Set<string>;
}

/** Reads on while the walker goes on, or has only loaded the table until the end of its grace. */
const WAYS = ["at once", "at the end"] as const;

/**
 * Readers at every commit of a walker: they load the table as the commit left it, and read its
 * files while the walker goes on, up to the end of their grace.
 */
export class HeldReaders {
  readonly #life: Life;
  readonly #rows: DataRows;
  readonly #reads: HeldReads = { problems: [], readers: 0, files: new Set() };
  readonly #running: Promise<void>[] = [];

  constructor(life: Life, rows: DataRows) {
    this.#life = life;
    this.#rows = rows;
    const walk = life.disk.hook!;
    life.disk.hook = (operation, phase) => {
      const found = /^warehouse\/([^/]+)\/([^/]+)\/metadata\/v\d+\.metadata\.json$/.exec(operation.path);
      if (operation.process === WALKER && operation.name === "create" && phase === "after" && found !== null) {
        const identifier = { namespace: [found[1]!], name: found[2]! };
        this.#running.push(...WAYS.map((way) => this.#read(identifier, way)));
      }
      return walk(operation, phase);
    };
  }

  async end(): Promise<HeldReads> {
    await Promise.all(this.#running);
    return this.#reads;
  }

  async #read(identifier: TableIdentifier, begins: (typeof WAYS)[number]): Promise<void> {
    const expected = this.#rowsAtOnce(identifier);
    const store = this.#life.disk.connect({ process: "reader" });
    const endMs = store.clock.nowMs() + GRACE_MS;
    const until = (ms: number) => store.clock.sleep(Math.max(0, ms - store.clock.nowMs()));
    const table = await this.#load(store, identifier);
    if (snapshotOfRef(table.metadata) === undefined) return;
    this.#reads.readers++;
    try {
      if (begins === "at the end") await until(endMs - LAST_MS);
      const { files } = await planScan(table.io, table.metadata);
      const rows: string[] = [];
      for (const [number, file] of files.entries()) {
        this.#reads.files.add(table.io.location.pathOf(file.dataFile.path));
        await until(endMs - LAST_MS - (files.length - 1 - number) * GRACE_MS / files.length);
        rows.push(...await this.#rowsOf(table, [file]));
      }
      strictEqual(rows.sort().join("\n"), (await expected).join("\n"));
      if (store.clock.nowMs() > endMs) throw new Error("the reader was too slow for its grace");
    } catch (error) {
      const { name } = identifier;
      this.#reads.problems.push(
        `a reader of ${name} that begins ${begins}, ${table.metadataLocation}: ${messageOf(error)}`,
      );
    }
  }

  /** In a world that stands still. */
  async #rowsAtOnce(identifier: TableIdentifier): Promise<string[]> {
    const store = this.#life.disk.fork({ latencyMsMax: 0 }).connect();
    const table = await this.#load(store, identifier);
    return (await this.#rowsOf(table, (await planScan(table.io, table.metadata)).files)).sort();
  }

  #load(store: SimulatedStore, identifier: TableIdentifier): Promise<LoadedTable> {
    const { clock, random } = store;
    return requireTable(new FileCatalog({ store, clock, random }), identifier);
  }

  async #rowsOf(table: LoadedTable, files: readonly ScanFile[]): Promise<string[]> {
    const rows: string[] = [];
    for (const file of files) {
      rows.push(...(await liveRows(table, this.#rows, file)).map(({ row }) => JSON.stringify(row)));
    }
    return rows;
  }
}
