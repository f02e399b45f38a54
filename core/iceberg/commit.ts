import { counted } from "../base/counted.ts";
import type { Clock } from "../base/clock.ts";
import { type ErrorKind, isKind, StreamlabError } from "../base/errors.ts";
import { type Random, uuidV4 } from "../base/random.ts";
import { backoffMs } from "../base/retry.ts";
import {
  type Catalog,
  identifierText,
  type LoadedTable,
  requireTable,
  type TableChange,
  type TableIdentifier,
} from "./catalog/catalog.ts";
import { Transaction } from "./transaction.ts";

/** Options of a commit. */
export interface CommitOptions {
  /** Tells the time of a snapshot, and waits between two tries. */
  clock: Clock;
  /** Makes ids and file names, and spreads the waiting. */
  random: Random;
  /**
   * A version known already, which saves the first load. A stale one costs a lost race, nothing
   * else.
   */
  base?: LoadedTable;
  /** Probably the newest version: where it is, it is not read again. Without a `base` only. */
  expected?: LoadedTable | undefined;
  /** Identifies the commit, whoever tries it; default: an id of its own for every try. */
  commitId?: string;
  /** Tries in all, default 100. */
  attemptsMax?: number;
  /** By the clock; no try is begun later. Default: a minute from now. */
  deadlineMs?: number;
  /** Must succeed before anything is committed. The first attempt is built meanwhile. */
  after?: Promise<unknown>;
  /**
   * More for the summary of each snapshot, asked for when nothing but the commit itself is left to
   * do.
   */
  lastWords?: () => Readonly<Record<string, string>>;
  /** The error's kind when every attempt has lost: final, or worth retrying. */
  lostAs?: "conflict" | "unavailable";
}

/** What came of a commit. */
export interface CommitResult {
  /** After the commit; or as it was found, where there was nothing to change. */
  table: LoadedTable;
  /** False where the change was no longer wanted. */
  committed: boolean;
  /** Tries that it took. */
  attempts: number;
}

const RETRY_POLICY = { delayMsMin: 10, delayMsMax: 1000 };

/**
 * Commits the changes of `build`. It is called again for every attempt, with a transaction on the
 * metadata of that attempt, so a marker that it looks for cannot appear in between. It returns
 * false to leave the table alone. Throws `lostAs` when tries or time have run out, `not-found`
 * without a table, and whatever `build` and the catalog throw.
 */
export async function commitTable(
  catalog: Catalog,
  identifier: TableIdentifier,
  build: (transaction: Transaction) => Promise<boolean | void> | boolean | void,
  options: CommitOptions,
): Promise<CommitResult> {
  const { clock, random } = options;
  const attemptsMax = options.attemptsMax ?? 100;
  let deadlineMs = options.deadlineMs ?? clock.nowMs() + 60_000;
  let base = options.base;
  for (let attempt = 1;; attempt++) {
    base ??= await requireTable(catalog, identifier, options.expected);
    const transaction = new Transaction(base, { nowMs: clock.nowMs(), random });
    let isWanted: boolean | void;
    try {
      isWanted = await build(transaction);
    } catch (error) {
      await discardQuietly(transaction);
      // Files of an old base may be gone by now, its snapshots expired.
      if (!isKind(error, "not-found") || attempt >= attemptsMax) throw error;
      const newest = await requireTable(catalog, identifier);
      if (newest.metadataLocation === base.metadataLocation) throw error;
      base = newest;
      continue;
    }
    if (isWanted === false || transaction.updates.length === 0) {
      await discardQuietly(transaction);
      // A given base may be old. "Nothing to do" must be true of the newest version.
      if (base !== options.base) return { table: base, committed: false, attempts: attempt };
      const newest = await requireTable(catalog, identifier);
      if (newest.metadataLocation === base.metadataLocation) {
        return { table: base, committed: false, attempts: attempt };
      }
      base = newest;
      continue;
    }
    try {
      const fromMs = clock.nowMs();
      await options.after;
      // The time of others is not its own.
      if (options.deadlineMs === undefined) deadlineMs += Math.max(0, clock.nowMs() - fromMs);
    } catch (error) {
      await discardQuietly(transaction);
      throw error;
    }
    try {
      const change = changeOf(transaction, options.lastWords?.());
      const commitId = options.commitId ?? uuidV4(random);
      const table = await catalog.commit({ ...change, identifier, base, commitId });
      return { table, committed: true, attempts: attempt };
    } catch (error) {
      // An invalid change was not committed, so nothing names its files.
      if (isKind(error, "usage")) await discardQuietly(transaction);
      if (!isKind(error, "conflict")) throw error;
      const isLast = attempt >= attemptsMax || clock.nowMs() >= deadlineMs;
      await Promise.all([
        discardQuietly(transaction),
        isLast ? undefined : clock.sleep(backoffMs({ ...RETRY_POLICY, attemptsMax }, attempt, random)),
      ]);
      if (isLast) throw lost(identifier, attempt, options.lostAs ?? "conflict", error);
    }
    base = undefined;
  }
}

function lost(identifier: TableIdentifier, attempts: number, kind: ErrorKind, cause: StreamlabError): StreamlabError {
  const reason = cause.message.replace(/^[^:]*: /, "");
  // What a server says of the last one may be the only trace of what it takes exception to.
  const why = attempts === 1
    ? reason
    : `${counted(attempts, "attempt")} in a row were lost, the last one because ${reason}`;
  return new StreamlabError(kind, `Cannot commit to ${identifierText(identifier)}: ${why}`, {
    hint: "Run again when fewer programs write to it",
    cause,
  });
}

/**
 * Files of a lost attempt do no harm: if the store fails to delete them, orphan removal finds them.
 */
async function discardQuietly(transaction: Transaction): Promise<void> {
  try {
    await transaction.discard();
  } catch (error) {
    if (!isKind(error, "unavailable")) throw error;
  }
}

/**
 * Creates the table unless it is there; `change` tells how, given the place that the catalog has
 * for it.
 */
export async function createTableIfAbsent(
  catalog: Catalog,
  identifier: TableIdentifier,
  change: (location: string) => TableChange,
  options: Pick<CommitOptions, "random">,
): Promise<{ table: LoadedTable; created: boolean }> {
  const existing = await catalog.loadTable(identifier);
  if (existing) return { table: existing, created: false };
  return await createOrLoadTable(catalog, identifier, change, options);
}

/** As `createTableIfAbsent`, where the table was looked for and not found. */
export async function createOrLoadTable(
  catalog: Catalog,
  identifier: TableIdentifier,
  change: (location: string) => TableChange,
  options: Pick<CommitOptions, "random">,
): Promise<{ table: LoadedTable; created: boolean }> {
  try {
    return { table: await catalog.createTable(identifier, change, uuidV4(options.random)), created: true };
  } catch (error) {
    const winner = isKind(error, "conflict") ? await catalog.loadTable(identifier) : undefined;
    if (!winner) throw error;
    return { table: winner, created: false };
  }
}

function changeOf({ requirements, updates }: Transaction, words: Readonly<Record<string, string>> = {}): TableChange {
  return {
    requirements,
    updates: updates.map((update) => {
      if (update.action !== "add-snapshot") return update;
      const { snapshot } = update;
      return { ...update, snapshot: { ...snapshot, summary: { ...snapshot.summary, ...words } } };
    }),
  };
}
