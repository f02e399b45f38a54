import { uuidV4 } from "../base/random.ts";
import { type Connection, DuckDb } from "../engine/duckdb.ts";
import { removeTree, Scratch } from "../disk/scratch.ts";
import { takeKernelLock } from "../disk/kernel_lock.ts";
import { takeTemporaryFolder } from "../disk/temporary_folder.ts";
import { MAINTAIN_SCRATCH_FOLDER } from "../lake/layout.ts";
import type { Surroundings } from "./surroundings.ts";

export interface WorkshopOptions {
  /** For scratch, where the lake is not on this disk. */
  temporaryFolder: string;
  threads?: number;
  /** As DuckDB writes it: "2GB". */
  memory?: string;
  /** Nothing is to be written in the lake, not even scratch. */
  leavesLake: boolean;
}

const SCRATCHES = `${MAINTAIN_SCRATCH_FOLDER}/`;

/** DuckDB and a scratch folder, for as long as a job of upkeep takes. */
export class Workshop {
  readonly connection: Connection;
  readonly scratch: Scratch;
  readonly #resources: (() => void)[];

  private constructor(
    connection: Connection,
    scratch: Scratch,
    resources: (() => void)[],
  ) {
    this.connection = connection;
    this.scratch = scratch;
    this.#resources = resources;
  }

  static async open(surroundings: Surroundings, options: WorkshopOptions): Promise<Workshop> {
    const resources: (() => void)[] = [];
    try {
      const scratch = await makeScratch(surroundings, options, resources);
      const { threads, memory } = options;
      const database = await DuckDb.open({
        tempDirectory: scratch.path("spill"),
        ...(threads !== undefined && { threads }),
        ...(memory !== undefined && { memory }),
      });
      resources.push(() => database.close());
      const connection = await database.connect();
      resources.push(() => connection.close());
      return new Workshop(connection, scratch, resources);
    } catch (error) {
      release(resources);
      throw error;
    }
  }

  close(): void {
    release(this.#resources);
  }
}

/**
 * On the disk of a local lake, so that data files can be moved into a table. A lock in it says that
 * somebody works there.
 */
async function makeScratch(
  { store, clock, random }: Surroundings,
  { temporaryFolder, leavesLake }: WorkshopOptions,
  resources: (() => void)[],
): Promise<Scratch> {
  const name = uuidV4(random);
  const local = leavesLake ? undefined : store.localPath(SCRATCHES + name);
  if (local === undefined) {
    const folder = await takeTemporaryFolder(temporaryFolder, "maintain", { clock, random });
    resources.push(() => folder.release());
    return Scratch.create(folder.path);
  }
  await removeDeadScratches({ store, clock });
  const lock = await takeKernelLock(`${local}/lock`, "maintain", clock);
  const scratch = Scratch.create(local);
  resources.push(() => {
    scratch.remove();
    if ("release" in lock) lock.release();
  });
  return scratch;
}

/**
 * On the disk of a local lake: what maintainers that were killed have left there, whose locks went
 * with them.
 */
export async function removeDeadScratches({ store, clock }: Pick<Surroundings, "store" | "clock">): Promise<void> {
  const left = new Set<string>();
  if (store.localPath(SCRATCHES + "any") === undefined) return;
  for await (const { path } of store.list(SCRATCHES)) left.add(path.slice(SCRATCHES.length).split("/", 1)[0]!);
  for (const folder of left) {
    const lock = await takeKernelLock(store.localPath(`${SCRATCHES}${folder}/lock`)!, "cleaning up", clock);
    if ("heldBy" in lock) continue;
    removeTree(store.localPath(SCRATCHES + folder)!);
    lock.release();
  }
}

function release(resources: (() => void)[]): void {
  for (const free of resources.splice(0).reverse()) free();
}
