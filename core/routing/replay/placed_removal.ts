import { StreamlabError } from "../../base/errors.ts";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { appendFiles } from "../../iceberg/action/append_files.ts";
import { rowDelta } from "../../iceberg/action/row_delta.ts";
import { identifierText } from "../../iceberg/catalog/catalog.ts";
import { buildDataFile } from "../../iceberg/data_file_builder.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import { currentSchema } from "../../iceberg/format/table_metadata.ts";
import type { ScanFile } from "../../iceberg/scan/scan.ts";
import type { Transaction } from "../../iceberg/transaction.ts";
import { dataFileName, newRewriteStem } from "../../lake/data_file_name.ts";
import { type Intent, intentStands, removeIntent, rewrittenBegin, writeIntent } from "../../lake/intent.ts";
import type { Store } from "../../storage/store.ts";
import type { RowRemoval } from "../row_removal.ts";
import type { RowPlaces } from "./row_places.ts";

/** A try of the commit, which has an intent of its own, is a matter of seconds. */
const PATIENCE_MS = 10 * 60_000;

export interface RemovalTools {
  /** The store of the lake, for the intent. */
  sink: Store;
  clock: Clock;
  random: Random;
}

/**
 * Takes rows of earlier batches out of a table, in the commit that adds those of this one: the
 * letters of a replay, or all rows of reingested files. Where they stand is found anew for each
 * try: compaction may have moved them since. The files that delete them are announced by an intent,
 * for the routed record cannot name them.
 */
export class PlacedRemoval implements RowRemoval {
  readonly #tools: RemovalTools;
  readonly #places: RowPlaces;
  readonly #intents: Intent[] = [];

  constructor(tools: RemovalTools, places: RowPlaces) {
    this.#tools = tools;
    this.#places = places;
  }

  async stage(transaction: Transaction, added: DataFile[], summary: Record<string, string>): Promise<void> {
    const found = await this.#places.find(transaction);
    if (found.length === 0) {
      transaction.add(await appendFiles(transaction, { files: added, summary }));
      return;
    }
    const deleteFiles = await this.#write(transaction, found);
    const referenced = found.map(({ dataFile }) => dataFile.path);
    transaction.add(await rowDelta(transaction, { dataFiles: added, deleteFiles, referenced, summary }));
  }

  /** Without it the intents stay, and keep the files, until maintenance settles them. */
  async settle(): Promise<void> {
    for (const intent of this.#intents.splice(0)) await removeIntent(this.#tools.sink, intent);
  }

  close(): void {
    this.#places.close();
  }

  /** Delete files, one for each partition. */
  async #write(transaction: Transaction, found: readonly ScanFile[]): Promise<DataFile[]> {
    const { sink, random } = this.#tools;
    const { location } = transaction.io;
    const stem = newRewriteStem(random);
    await this.#announce(transaction, stem, found);
    const groups = Map.groupBy(
      found,
      ({ dataFile: { specId, partition } }) =>
        JSON.stringify([specId, partition.map((value) => value === null ? null : String(value))]),
    );
    const written: DataFile[] = [];
    for (const [number, group] of [...groups.values()].entries()) {
      const path = `data/${dataFileName(stem, number)}`;
      const { records, size } = await this.#places.write(location, path, group);
      const [{ dataFile: { specId, partition } }] = group as [ScanFile];
      written.push(buildDataFile({
        content: "position-deletes",
        path: location.uriOf(path),
        specId,
        partition,
        recordCount: records,
        fileSizeBytes: size,
        columns: [],
        referencedDataFile: group.length === 1 ? group[0]!.dataFile.path : undefined,
      }, currentSchema(transaction.metadata)));
    }
    // After the base of this try was read: see `intent.ts`.
    if (await intentStands(sink, this.#intents.at(-1)!)) return written;
    throw new StreamlabError(
      "unavailable",
      "Cannot remove rows of earlier batches: maintenance took their commit for abandoned",
      {
        hint: "Run again",
      },
    );
  }

  async #announce(transaction: Transaction, id: string, found: readonly ScanFile[]): Promise<void> {
    const { sink, clock } = this.#tools;
    const { identifier, metadata, io } = transaction.base;
    const intent: Intent = {
      format: 2,
      kind: "compaction",
      id,
      table: identifierText(identifier),
      tableUuid: metadata.tableUuid,
      startedAt: new Date(clock.nowMs()).toISOString(),
      stem: rewrittenBegin(io.location, "", id),
      inputs: found.map(({ dataFile }) => dataFile.path),
      fenced: false,
      patienceMs: PATIENCE_MS,
    };
    this.#intents.push(intent);
    await writeIntent(sink, intent);
  }
}
