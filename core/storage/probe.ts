import { StreamlabError } from "../base/errors.ts";
import { uuidV4 } from "../base/random.ts";
import type { Random } from "../base/random.ts";
import type { Store } from "./store.ts";

/** What `Store.probe` promises, by means of the store's own `create`; `hint` says what to do about a store that fails it. */
export async function probeCreate(store: Store, folder: string, random: Random, hint: string): Promise<void> {
  const path = `${probePrefix(folder)}${uuidV4(random)}`;
  const first = new TextEncoder().encode("first"), second = new TextEncoder().encode("second");
  try {
    const wonFirst = await store.create(path, first);
    const wonSecond = await store.create(path, second);
    const held = new TextDecoder().decode(await store.read(path));
    if (wonFirst && !wonSecond && held === "first") return;
    throw new StreamlabError(
      "unavailable",
      `Cannot use "${store.root}": it does not honour "create only if absent", which every commit rests on`,
      { hint },
    );
  } finally {
    await store.delete([path]);
  }
}

/** What the paths of probes in a folder begin with. */
export function probePrefix(folder: string): string {
  return `${folder === "" ? "" : `${folder}/`}.streamlab-probe-`;
}
