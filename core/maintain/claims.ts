import { StreamlabError } from "../base/errors.ts";
import type { Store } from "../storage/store.ts";
import { listIntents } from "./intent.ts";

const RECORD = /^checkpoints\/[^/]+\/(\d{12,})\.(plan|routed)\.json$/;
/** Names of data files that a batch's attempt gives: `<batch>-<attempt>-<number>.parquet`. */
const BATCH_FILE = /^(\d{8,})-[0-9a-f]{12}-\d{5,}\.parquet$/;
const REWRITE_FILE = /^compact-[0-9a-f-]{36}-\d{5,}\.parquet$/;

/**
 * Files that no metadata names yet, and that must stay all the same: those of batches that are planned and perhaps not committed yet, and
 * of rewrites under way. Read after the files were listed: whatever is announced later was written later, too.
 */
export class Claims {
  private constructor(
    private readonly routed: ReadonlySet<string>,
    private readonly planned: ReadonlySet<bigint>,
    private readonly stems: readonly string[],
  ) {}

  /** Intents of these ids are settled, or would be. Fails with `corrupt` where a record cannot be read. */
  static async read(store: Store, givenUp: ReadonlySet<string>): Promise<Claims> {
    const records = { plan: new Map<string, bigint>(), routed: new Map<string, string>() };
    for await (const { path } of store.list("checkpoints/")) {
      const match = RECORD.exec(path);
      if (match === null) continue;
      const batch = path.slice(0, path.lastIndexOf("/") + 1) + match[1];
      if (match[2] === "plan") records.plan.set(batch, BigInt(match[1]!));
      else records.routed.set(batch, path);
    }
    const routed = new Set<string>();
    for (const path of records.routed.values()) for (const file of await routedFiles(store, path)) routed.add(file);
    const planned = [...records.plan].filter(([batch]) => !records.routed.has(batch)).map(([, batchId]) => batchId);
    const intents = (await listIntents(store)).filter(({ intent }) => !givenUp.has(intent.id));
    return new Claims(routed, new Set(planned), intents.map(({ intent }) => intent.stem));
  }

  /** Whether somebody has announced the file: its path in its table's folder, and in the store. */
  has(pathInTable: string, path: string): boolean {
    if (this.routed.has(pathInTable) || this.stems.some((stem) => path.startsWith(stem))) return true;
    const match = BATCH_FILE.exec(nameOf(path));
    return match !== null && this.planned.has(BigInt(match[1]!));
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

/** The data files that a routed record names, by their paths in their tables' folders. None where the record was just removed: its batch is done. */
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
