import { isKind, messageOf, StreamlabError } from "../../base/errors.ts";
import { mapParallel } from "../../base/parallel.ts";
import { type Connection, quoteName, quoteText } from "../../engine/duckdb.ts";
import { eventFileKind, isNotThereYet, type PassedOverNames } from "../../lake/event_file.ts";
import { ARCHIVE_FOLDER, CHECKPOINTS_FOLDER, EVENTS_FOLDER, WAREHOUSE_FOLDER } from "../../lake/layout.ts";
import { LEDGER_COLUMNS } from "../../lake/our_columns.ts";
import { type Unreachable, unreachable } from "../../lake/raw_zone.ts";
import { type RawPlace, rawPlaceOf, rawPlaceText, type TargetRecord } from "../../lake/target_record.ts";
import { comparePaths } from "../../storage/path.ts";
import { nameFile } from "../../storage/file_name.ts";
import type { PassedOver, Store } from "../../storage/store.ts";

const TABLE = quoteName(LEDGER_COLUMNS.table);
const STATS_PARALLEL = 16;
const APPENDED_MAX = 10_000;

/** What waits for a target, and where. */
export interface Waiting {
  /** Where its event files land: a path in the lake, or a URI; undefined where nobody remembers. */
  raw: string | undefined;
  /** Event files there that the ledger does not know; undefined where nobody can look. */
  waiting: { files: number; bytes: number; oldestMs: number | undefined } | undefined;
  /** Why nobody can. */
  problem: string | undefined;
  /** Event files there that no path leads to, and folders that may not be read. */
  unreadable: Unreachable[];
  /** Whose names say no format. */
  passedOver: PassedOverNames;
}

/** A raw zone as it is now. */
interface ListedZone {
  store: Store;
  /**
   * A temporary table: `name`, `path`; and `size`, `modified_ms`, as text, where the listing has
   * them.
   */
  files: string;
  unreadable: Unreachable[];
  /** Whose names say no format. */
  passedOver: PassedOverNames;
}

/** Of a target of which nothing says where its event files land. */
export function unknownFeed(problem: string): Waiting {
  return { raw: undefined, waiting: undefined, problem, unreadable: [], passedOver: { files: 0, example: undefined } };
}

/**
 * Event files that wait for a target: those of the place that feeds it, without those that the
 * temporary table `ledger` has as ingested. Targets may share a place, which is listed once.
 */
export class WaitingFiles {
  readonly #zones = new Map<string, Promise<ListedZone>>();
  readonly #connection: Connection;
  readonly #lake: Store;
  readonly #openRaw: (root: string) => Promise<Store>;

  constructor(connection: Connection, lake: Store, openRaw: (root: string) => Promise<Store>) {
    this.#connection = connection;
    this.#lake = lake;
    this.#openRaw = openRaw;
  }

  /** A record, or a place, that cannot be read says nothing about the other targets. */
  async of(table: string, readRecord: () => TargetRecord | undefined): Promise<Waiting> {
    let raw: string | undefined;
    try {
      const record = readRecord();
      if (record === undefined && await this.#isFedFromElsewhere(table)) {
        return unknownFeed("an older streamlab has not written down where its event files land; the next consume does");
      }
      const place = rawPlaceOf(this.#lake.root, record);
      raw = rawPlaceText(this.#lake.root, place);
      const key = JSON.stringify(place);
      const zone = this.#zones.get(key) ?? this.#list(place, `raw_files_${this.#zones.size}`);
      this.#zones.set(key, zone);
      const listed = await zone;
      const { waiting, refused } = await this.#waiting(table, listed);
      const unreadable = [...listed.unreadable, ...refused];
      return { raw, waiting, problem: undefined, unreadable, passedOver: listed.passedOver };
    } catch (error) {
      if (!(error instanceof StreamlabError)) throw error;
      return { ...unknownFeed(messageOf(error)), raw };
    }
  }

  async #isFedFromElsewhere(table: string): Promise<boolean> {
    const [row] = await this.#connection.rows(
      `SELECT count(*) > 0 AS found FROM ledger
WHERE ${TABLE} = ${quoteText(table)} AND NOT starts_with(${LEDGER_COLUMNS.sourceFile}, ${
        quoteText(`${EVENTS_FOLDER}/`)
      })`,
    );
    return row!.found as boolean;
  }

  async #list(place: RawPlace, files: string): Promise<ListedZone> {
    const { root, prefix, base, format } = place;
    const store = root === this.#lake.root ? this.#lake : await this.#openRaw(root);
    // The lake's own zone may not be there yet; any other was.
    if (store !== this.#lake && !await store.rootExists()) {
      throw new StreamlabError("not-found", `there is no folder ${root}`);
    }
    await this.#connection.run(
      `CREATE TEMP TABLE ${files} (name VARCHAR, path VARCHAR, size VARCHAR, modified_ms VARCHAR)`,
    );
    const passedOver: ListedZone["passedOver"] = { files: 0, example: undefined };
    const isEventFile = (path: string) => {
      if (this.#isOwn(root, path)) return false;
      const inZone = path.slice(prefix.length);
      if (eventFileKind(inZone, format) !== undefined) return true;
      if (isNotThereYet(inZone)) return false;
      passedOver.files++;
      passedOver.example ??= inZone;
      return false;
    };
    const unreadable: Unreachable[] = [];
    const onPassedOver = (entry: PassedOver) => {
      const file = unreachable({ prefix, nameBase: base, format }, entry);
      if (file !== undefined && !this.#isOwn(root, entry.path)) unreadable.push(file);
    };
    let rows: (string | null)[][] = [];
    const flush = async () => {
      await this.#connection.appendText(files, rows);
      rows = [];
    };
    for await (const { path, info } of store.list(prefix, { onPassedOver })) {
      const known = info === undefined ? [null, null] : [info.size, info.modifiedMs].map(String);
      if (isEventFile(path)) rows.push([base + path, path, ...known]);
      if (rows.length === APPENDED_MAX) await flush();
    }
    await flush();
    return { store, files, unreadable, passedOver };
  }

  /** The lake's own tables, records and archive, where the lake lies in the zone. */
  #isOwn(root: string, path: string): boolean {
    const name = nameFile(this.#lake.root, root, path);
    return [WAREHOUSE_FOLDER, CHECKPOINTS_FOLDER, ARCHIVE_FOLDER].some((folder) => name.startsWith(`${folder}/`));
  }

  /** Of a file that may not be looked at, no more is known than that it waits. */
  async #waiting(
    table: string,
    { store, files }: ListedZone,
  ): Promise<{ waiting: Waiting["waiting"]; refused: Unreachable[] }> {
    const { sourceFile, status } = LEDGER_COLUMNS;
    const rows = await this.#connection.rows(
      `SELECT name, path, size, modified_ms FROM ${files} ANTI JOIN (SELECT ${sourceFile} AS name FROM ledger
  WHERE ${TABLE} = ${quoteText(table)} AND ${status} = 'ingested') USING (name)`,
    );
    const refused: Unreachable[] = [];
    const infos = await mapParallel(rows, STATS_PARALLEL, async (row) => {
      if (row.size !== null) return { size: Number(row.size), modifiedMs: Number(row.modified_ms) };
      try {
        return await store.stat(row.path as string);
      } catch (error) {
        if (!isKind(error, "unavailable")) throw error;
        refused.push({ name: row.name as string, why: "it may not be read" });
        return undefined;
      }
    });
    const waiting = { files: refused.length, bytes: 0, oldestMs: undefined as number | undefined };
    for (const info of infos) {
      if (info === undefined) continue;
      waiting.files++;
      waiting.bytes += info.size;
      waiting.oldestMs = Math.min(waiting.oldestMs ?? Infinity, info.modifiedMs);
    }
    return { waiting, refused: refused.sort((a, b) => comparePaths(a.name, b.name)) };
  }
}
