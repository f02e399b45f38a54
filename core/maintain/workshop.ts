import { uuidV4 } from "../base/random.ts";
import { type Connection, DuckDb } from "../engine/duckdb.ts";
import { isLinked, removeTree } from "../disk/removal.ts";
import { Scratch } from "../disk/scratch.ts";
import { isAboutToBeTaken, takeKernelLock } from "../disk/kernel_lock.ts";
import { ATTEMPTS_MAX, takeTemporaryFolder } from "../disk/temporary_folder.ts";
import { MAINTAIN_SCRATCH_FOLDER } from "../lake/layout.ts";
import type { LeftFile } from "../storage/deletion.ts";
import type { Store } from "../storage/store.ts";
import type { Surroundings } from "./surroundings.ts";

export interface WorkshopOptions {
  /** For scratch, where the lake is not on this disk. */
  temporaryFolder: string;
  threads?: number;
  /** As DuckDB writes it: "2GB". */
  memory?: string;
  /** As a database has it. */
  keepsOrder?: boolean;
  /** Nothing is to be written in the lake, not even scratch. */
  leavesLake: boolean;
}

const SCRATCHES = `${MAINTAIN_SCRATCH_FOLDER}/`;
const SCRATCH_NAME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** DuckDB and a scratch folder, for as long as a job of upkeep takes. */
export class Workshop {
  readonly connection: Connection;
  readonly scratch: Scratch;
  readonly #database: DuckDb;
  readonly #resources: DisposableStack;

  private constructor(
    database: DuckDb,
    connection: Connection,
    scratch: Scratch,
    resources: DisposableStack,
  ) {
    this.#database = database;
    this.connection = connection;
    this.scratch = scratch;
    this.#resources = resources;
  }

  static async open(surroundings: Surroundings, options: WorkshopOptions): Promise<Workshop> {
    using resources = new DisposableStack();
    const scratch = await makeScratch(surroundings, options, resources);
    const { threads, memory, keepsOrder } = options;
    const database = await DuckDb.open({
      tempDirectory: scratch.path("spill"),
      threads,
      memory,
      keepsOrder,
    });
    resources.defer(() => database.close());
    const connection = await database.connect();
    resources.defer(() => connection.close());
    return new Workshop(database, connection, scratch, resources.move());
  }

  /** One more connection to the same database, which shares its threads and its memory. */
  async connect(): Promise<Connection> {
    const connection = await this.#database.connect();
    this.#resources.defer(() => connection.close());
    return connection;
  }

  close(): void {
    this.#resources.dispose();
  }
}

/**
 * On the disk of a local lake, so that data files can be moved into a table. Its lock says that it
 * is in use.
 */
async function makeScratch(
  { store, clock, random }: Surroundings,
  { temporaryFolder, leavesLake }: WorkshopOptions,
  resources: DisposableStack,
): Promise<Scratch> {
  const newFolder = () => leavesLake ? undefined : ownFolder(store, SCRATCHES + uuidV4(random));
  let local = newFolder();
  if (local !== undefined) await removeDeadScratches({ store, clock });
  for (let attempt = 1; local !== undefined && attempt <= ATTEMPTS_MAX; attempt++, local = newFolder()) {
    const lock = await takeKernelLock(`${local}/lock`, "maintain", clock);
    // Another maintainer was faster, and removes it: without its lock it looks like a dead one's.
    if ("heldBy" in lock) continue;
    resources.defer(() => lock.release());
    const scratch = Scratch.create(local);
    resources.defer(() => scratch.remove());
    return scratch;
  }
  const folder = await takeTemporaryFolder(temporaryFolder, "maintain", { clock, random });
  resources.defer(() => folder.release());
  return Scratch.create(folder.path);
}

/**
 * Removes leftovers of killed maintainers on the disk of a local lake; their locks are free.
 * Returns files that stay because they are not ours.
 */
export async function removeDeadScratches(
  { store, clock }: Pick<Surroundings, "store" | "clock">,
): Promise<LeftFile[]> {
  const left: LeftFile[] = [];
  const names = new Set<string>();
  if (store.localPath(SCRATCHES + "any") === undefined) return left;
  for await (const { path } of store.list(SCRATCHES)) names.add(path.slice(SCRATCHES.length).split("/", 1)[0]!);
  for (const name of names) {
    const path = SCRATCHES + name, folder = ownFolder(store, path);
    if (folder === undefined || !SCRATCH_NAME.test(name)) {
      left.push({ path, reason: folder === undefined ? "linked" : "not ours" });
      continue;
    }
    const lockPath = `${folder}/lock`;
    if (isAboutToBeTaken(lockPath, clock)) continue;
    const lock = await takeKernelLock(lockPath, "cleaning up", clock);
    if ("heldBy" in lock) continue;
    removeTree(folder, store.root);
    lock.release();
  }
  return left;
}

/**
 * The folder on this disk; undefined for a remote store, and if a link leads to it: behind a link
 * we neither create nor remove anything.
 */
function ownFolder(store: Store, path: string): string | undefined {
  const local = store.localPath(path);
  return local === undefined || isLinked(store.root, local) ? undefined : local;
}
