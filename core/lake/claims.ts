import { StreamlabError } from "../base/errors.ts";
import { streamlabKey } from "../iceberg/format/streamlab_keys.ts";
import type { Store } from "../storage/store.ts";
import { listIntents } from "./intent.ts";

const RECORD = /^checkpoints\/([^/]+)\/(\d{12,})\.(plan|routed)\.json$/;
/** Names of data files that a batch's attempt gives: `<batch>-<attempt>-<number>.parquet`. */
const BATCH_FILE = /^(\d{8,})-[0-9a-f]{12}-\d{5,}\.parquet$/;
const REWRITE_FILE = /^compact-[0-9a-f-]{36}-\d{5,}\.parquet$/;

/** A batch of a target. */
interface Batch {
  target: string;
  batchId: bigint;
}

/**
 * Files that no metadata names yet, and that must stay all the same: those of batches that are
 * planned and perhaps not committed yet, and of rewrites under way. Read after the files were
 * listed: whatever is announced later was written later, too.
 */
export class Claims {
  /** By the paths of data files in their tables' folders. */
  readonly #routed: ReadonlyMap<string, Batch>;
  /** Without a routed record: any attempt may still win. */
  readonly #planned: readonly Batch[];
  readonly #stems: readonly string[];

  private constructor(routed: ReadonlyMap<string, Batch>, planned: readonly Batch[], stems: readonly string[]) {
    this.#routed = routed;
    this.#planned = planned;
    this.#stems = stems;
  }

  /**
   * Intents of these ids are settled, or would be. Fails with `corrupt` where a record cannot be
   * read.
   */
  static async read(store: Store, givenUp: ReadonlySet<string>): Promise<Claims> {
    const plans = new Map<string, Batch>(), records = new Map<string, { path: string; batch: Batch }>();
    for await (const { path } of store.list("checkpoints/")) {
      const match = RECORD.exec(path);
      if (match === null) continue;
      const [, target, number, kind] = match as unknown as [string, string, string, string];
      const batch = { target, batchId: BigInt(number) }, key = `${target}/${number}`;
      if (kind === "plan") plans.set(key, batch);
      else records.set(key, { path, batch });
    }
    const routed = new Map<string, Batch>();
    for (const { path, batch } of records.values()) {
      for (const file of await routedFiles(store, path)) routed.set(file, batch);
    }
    const planned = [...plans].filter(([key]) => !records.has(key)).map(([, batch]) => batch);
    const intents = (await listIntents(store)).filter(({ intent }) => !givenUp.has(intent.id));
    return new Claims(routed, planned, intents.map(({ intent }) => intent.stem));
  }

  /**
   * Whether somebody may still make the file part of the table: its path in the table's folder, in
   * the store, and the table's properties, read after the claims. A table that has a batch takes it
   * no more, so what it does not name of it then is no longer needed.
   */
  has(pathInTable: string, path: string, properties: Record<string, string>): boolean {
    if (this.#stems.some((stem) => path.startsWith(stem))) return true;
    const isOpen = ({ target, batchId }: Batch) => batchId > BigInt(properties[streamlabKey.batchId(target)] ?? 0);
    const batch = this.#routed.get(pathInTable);
    if (batch !== undefined && isOpen(batch)) return true;
    const match = BATCH_FILE.exec(nameOf(path));
    return match !== null && this.#planned.some((plan) => plan.batchId === BigInt(match[1]!) && isOpen(plan));
  }
}

/** Whose work a file's name says it is: such files are announced before they are written. */
export function announcerOf(path: string): "batch" | "rewrite" | undefined {
  const name = nameOf(path);
  return BATCH_FILE.test(name) ? "batch" : REWRITE_FILE.test(name) ? "rewrite" : undefined;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * The data files that a routed record names, by their paths in their tables' folders. None where
 * the record was just removed: its batch is done.
 */
async function routedFiles(store: Store, path: string): Promise<string[]> {
  let text: string;
  try {
    text = new TextDecoder().decode(await store.read(path));
  } catch (error) {
    if (error instanceof StreamlabError && error.kind === "not-found") return [];
    throw error;
  }
  try {
    const record = JSON.parse(text) as Record<"events" | "deadLetters" | "ledger", { files: { path: string }[] }>;
    return [record.events, record.deadLetters, record.ledger].flatMap(({ files }) => files.map((file) => file.path));
  } catch (cause) {
    throw new StreamlabError("corrupt", `Cannot read the routed record ${path}: nothing can be removed without it`, {
      hint: "Restore the checkpoints folder from where it was damaged",
      cause,
    });
  }
}
