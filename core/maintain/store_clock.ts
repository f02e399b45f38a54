import { StreamlabError } from "../base/errors.ts";
import { uuidV4 } from "../base/random.ts";
import { MAINTAIN_FOLDER } from "../lake/layout.ts";
import { deleteMade, type OwnPlace } from "../storage/deletion.ts";
import type { Surroundings } from "./surroundings.ts";

/** Another maintainer may remove the file as a leftover, but not several in a row. */
const LOOKS_MAX = 5;

/**
 * The time by the store's own clock, which stamps the files whose age is judged: this machine's may
 * be wrong by hours. Writes a file into the folder and removes it again.
 */
export async function storeNowMs(
  { store, random }: Pick<Surroundings, "store" | "random">,
  folder = MAINTAIN_FOLDER,
): Promise<number> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const path = `${folder}/clock-${uuidV4(random)}`;
    await store.write(path, new Uint8Array());
    try {
      const info = await store.stat(path);
      if (info !== undefined) return info.modifiedMs;
    } finally {
      await deleteMade(store, [path], [clockPlace]);
    }
  }
  throw new StreamlabError("unavailable", `Cannot tell the time of "${store.root}": its clock file keeps vanishing`, {
    hint: "Run again when no other maintainer runs",
  });
}

/** Clock files are made in any folder, under names that nothing else has. */
const clockPlace: OwnPlace = { folder: "", isOwn: isClockPath };

/** Whether the file was made to read the store's clock. */
export function isClockPath(path: string): boolean {
  return /(?:^|\/)clock-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(path);
}
