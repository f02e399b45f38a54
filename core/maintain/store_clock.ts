import { uuidV4 } from "../base/random.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * The time by the store's own clock, which stamps the files whose age is judged: this machine's may be wrong by hours. Writes a file
 * into the folder and removes it again.
 */
export async function storeNowMs(
  { store, random }: Pick<Surroundings, "store" | "random">,
  folder = "checkpoints/maintain",
): Promise<number> {
  const path = `${folder}/clock-${uuidV4(random)}`;
  await store.write(path, new Uint8Array());
  try {
    return (await store.stat(path))?.modifiedMs ?? 0;
  } finally {
    await store.delete([path]);
  }
}
