import { Checkpoint } from "../../../core/lake/checkpoint.ts";
import type { Store } from "../../../core/storage/store.ts";

/** Removes the records of all batches that are done, as the consumer does with those long done. */
export async function forgetDone(store: Store, doneBatchId: bigint): Promise<void> {
  const paths: string[] = [];
  for await (const { path } of store.list(`${new Checkpoint(store, "bronze.events").folder}/`)) {
    const batchId = /\/(\d+)\.\w+\.json$/.exec(path)?.[1];
    if (batchId !== undefined && BigInt(batchId) <= doneBatchId) paths.push(path);
  }
  await store.deletePaths(paths);
}
