/**
 * What manifests say of a table's files, beside a model that is a map: whatever is appended,
 * deleted, rewritten and merged, and however eagerly, each live file keeps its sequence numbers,
 * the snapshot that added it and its deletes, and the manifest list counts exactly what is there.
 */
import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import type { Random } from "../../core/base/random.ts";
import { appendFiles } from "../../core/iceberg/action/append_files.ts";
import { rewriteFiles } from "../../core/iceberg/action/rewrite_files.ts";
import { rewriteManifests } from "../../core/iceberg/action/rewrite_manifests.ts";
import { rowDelta } from "../../core/iceberg/action/row_delta.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { updateSpec } from "../../core/iceberg/action/update_partitioning.ts";
import type { LoadedTable } from "../../core/iceberg/catalog/catalog.ts";
import type { DataFile } from "../../core/iceberg/format/data_file.ts";
import type { ResolvedEntry } from "../../core/iceberg/format/manifest_entry.ts";
import { snapshotOfRef } from "../../core/iceberg/format/table_metadata.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import type { TableIo } from "../../core/iceberg/table_io.ts";
import type { Transaction } from "../../core/iceberg/transaction.ts";
import { Bench } from "../iceberg/sample_table.ts";
import { losingNumbers } from "../support/losing_numbers.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { withSeed } from "../support/seed.ts";
import { isThorough } from "../support/thorough.ts";

interface ModelFile {
  file: DataFile;
  /** Of the data, which a rewrite hands on. */
  sequenceNumber: bigint;
  fileSequenceNumber: bigint;
  snapshotId: bigint;
}

/** A table and what it must be. */
class Model {
  readonly files = new Map<string, ModelFile>();
  readonly #bench: Bench;
  readonly #random: Random;
  #table: LoadedTable;

  constructor(bench: Bench, random: Random, table: LoadedTable) {
    this.#bench = bench;
    this.#random = random;
    this.#table = table;
  }

  below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  async step(change?: (io: TableIo) => TableIo): Promise<void> {
    const chance = this.#random.next();
    if (chance < 0.65) await this.#append(change);
    else if (chance < 0.75) await this.#delete();
    else if (chance < 0.85) await this.#rewrite();
    else if (chance < 0.9) await this.#commit(async (it) => it.add(await rewriteManifests(it)));
    else if (chance < 0.93) await this.#repartition();
    else await this.#setPolicy();
    await this.check();
  }

  #data(): ModelFile[] {
    return [...this.files.values()].filter(({ file }) => file.content === "data");
  }

  async #append(change: ((io: TableIo) => TableIo) | undefined): Promise<void> {
    const files = Array.from({ length: this.below(4) }, () => this.#file());
    await this.#commit(async (it) => it.add(await appendFiles(change ? withIo(it, change) : it, { files })));
    for (const file of files) this.#add(file);
  }

  #file(facts: Parameters<Bench["file"]>[2] = {}): DataFile {
    return this.#bench.file(this.#table, this.below(3), { recordCount: 1 + this.below(9), ...facts });
  }

  /** Some rows of a file, by place: a delete file of the same partition. */
  async #delete(): Promise<void> {
    const chosen = this.#data().at(this.below(5));
    if (chosen === undefined || chosen.file.specId !== this.#table.metadata.defaultSpecId) return;
    const { path, partition } = chosen.file;
    const content = "position-deletes";
    const file = this.#file({ content, referencedDataFile: path, partition: [...partition], columns: [] });
    const delta = { dataFiles: [], deleteFiles: [file], referenced: [path] };
    await this.#commit(async (it) => it.add(await rowDelta(it, delta)));
    this.#add(file);
  }

  /** Two files without deletes become one. */
  async #rewrite(): Promise<void> {
    const deleted = new Set([...this.files.values()].map(({ file }) => file.referencedDataFile));
    const inputs = this.#data().filter(({ file }) => !deleted.has(file.path)).slice(0, 2);
    if (inputs.length < 2) return;
    const records = inputs.reduce((sum, { file }) => sum + file.recordCount, 0);
    const output = this.#file({ recordCount: records });
    const startingSequenceNumber = this.#table.metadata.lastSequenceNumber;
    const rewrite = { inputs: inputs.map(({ file }) => file), outputs: [output], startingSequenceNumber };
    await this.#commit(async (it) => it.add(await rewriteFiles(it, rewrite)));
    for (const { file } of inputs) this.files.delete(file.path);
    this.#add(output, startingSequenceNumber);
  }

  async #repartition(): Promise<void> {
    const { metadata } = this.#table;
    const isPartitioned =
      metadata.partitionSpecs.find(({ specId }) => specId === metadata.defaultSpecId)!.fields.length;
    const change = isPartitioned > 0
      ? { remove: ["at_day"] }
      : { add: [{ column: "at", transform: { name: "day" } as const }] };
    await this.#commit((it) => it.add(updateSpec(it.metadata, change)));
  }

  async #setPolicy(): Promise<void> {
    const properties = {
      "commit.manifest.min-count-to-merge": String(2 + this.below(4)),
      "commit.manifest.target-size-bytes": String([1, 4_000, 12_000, 8_000_000][this.below(4)]),
      "commit.manifest-merge.enabled": this.below(6) === 0 ? "false" : "true",
    };
    await this.#commit((it) => it.add(setProperties(properties)));
  }

  async #commit(build: (transaction: Transaction) => Promise<void> | void): Promise<void> {
    this.#table = await this.#bench.commit(build);
  }

  #add(file: DataFile, sequenceNumber?: bigint): void {
    const { snapshotId, sequenceNumber: own } = snapshotOfRef(this.#table.metadata)!;
    const numbers = { sequenceNumber: sequenceNumber ?? own, fileSequenceNumber: own };
    this.files.set(file.path, { file, snapshotId, ...numbers });
  }

  /** By what lies on the disk, not by what a writer remembers. */
  async check(): Promise<void> {
    const { io, metadata } = await this.#bench.load();
    const snapshot = snapshotOfRef(metadata);
    if (snapshot === undefined) return;
    const live = new Map<string, ResolvedEntry>();
    for (const manifest of await io.readManifestList(snapshot)) {
      const entries = await io.readManifest(manifest, metadata);
      const count = (status: string) => {
        const those = entries.filter((entry) => entry.status === status);
        return [those.length, those.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0)];
      };
      deepStrictEqual([
        [manifest.addedFilesCount, manifest.addedRowsCount],
        [manifest.existingFilesCount, manifest.existingRowsCount],
        [manifest.deletedFilesCount, manifest.deletedRowsCount],
      ], ["added", "existing", "deleted"].map(count));
      const alive = entries.filter(({ status }) => status !== "deleted");
      const lowest = alive.reduce((low, { sequenceNumber: own }) => own < low ? own : low, manifest.sequenceNumber);
      deepStrictEqual(manifest.minSequenceNumber, lowest);
      for (const entry of alive) {
        ok(!live.has(entry.dataFile.path), "a file is there once");
        deepStrictEqual([entry.dataFile.specId, entry.dataFile.content === "data"], [
          ...[manifest.specId, manifest.content === "data"],
        ]);
        if (entry.status === "added") deepStrictEqual(entry.snapshotId, manifest.addedSnapshotId);
        live.set(entry.dataFile.path, entry);
      }
    }
    deepStrictEqual([...live.keys()].sort(), [...this.files.keys()].sort());
    for (const { file, ...numbers } of this.files.values()) {
      const { sequenceNumber, fileSequenceNumber, snapshotId } = live.get(file.path)!;
      deepStrictEqual({ sequenceNumber, fileSequenceNumber, snapshotId }, numbers, file.path);
    }
    deepStrictEqual(
      snapshot.summary["total-records"],
      String(this.#data().reduce((n, { file }) => n + file.recordCount, 0)),
    );
    await this.#checkDeletes(io, metadata);
  }

  async #checkDeletes(io: TableIo, metadata: LoadedTable["metadata"]): Promise<void> {
    for (const { dataFile, deletes } of (await planScan(io, metadata)).files) {
      const expected = [...this.files.values()].filter(({ file }) => file.referencedDataFile === dataFile.path);
      deepStrictEqual(deletes.map(({ path }) => path).sort(), expected.map(({ file }) => file.path).sort());
    }
  }
}

/** The transaction with other ideas of how manifests are written. */
function withIo(transaction: Transaction, change: (io: TableIo) => TableIo): Transaction {
  return new Proxy(transaction, {
    get(inner, key) {
      if (key === "io") return change(inner.io);
      const value = Reflect.get(inner, key, inner);
      return typeof value === "function" ? value.bind(inner) : value;
    },
  });
}

function benchInMemory(random: Random): Bench {
  const store = new SimulatedDisk().connect();
  return new Bench(store, store.clock, random);
}

const eager = { "commit.manifest.min-count-to-merge": "3" };

Deno.test("manifests that are merged lose nothing of what they say of a file", () =>
  withSeed(async (random) => {
    for (let run = 0; run < (isThorough ? 20 : 2); run++) {
      const bench = benchInMemory(random);
      const model = new Model(bench, random, await bench.create(undefined, eager));
      for (let step = 0; step < 40; step++) await model.step();
    }
  }));

Deno.test("merged manifests that lose a sequence number are found out", () =>
  withSeed(async (random) => {
    await rejects(async () => {
      for (let run = 0; run < 20; run++) {
        const bench = benchInMemory(random);
        const model = new Model(bench, random, await bench.create(undefined, eager));
        for (let step = 0; step < 20; step++) await model.step(losingNumbers);
      }
    }, /equal|sequenceNumber/i);
  }));
