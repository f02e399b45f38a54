import { isKind, StreamlabError } from "../base/errors.ts";
import { uuidV4 } from "../base/random.ts";
import type { Random } from "../base/random.ts";
import { deleteMade, type OwnPlace } from "./deletion.ts";
import type { Store } from "./store.ts";

const MARK = ".streamlab-probe-";
const PROBE_NAME = /^\.streamlab-probe-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * A clean-up may remove a running probe, which then seems to fail; it does not remove three in a
 * row.
 */
const PROBES_MAX = 3;

/**
 * Implements `Store.probe` by the store's own `create`; `hint` says what to do about a store that
 * fails it.
 */
export async function probeCreate(store: Store, folder: string, random: Random, hint: string): Promise<void> {
  for (let probe = 1; probe <= PROBES_MAX; probe++) {
    if (await isConditional(store, `${probePrefix(folder)}${uuidV4(random)}`)) return;
  }
  throw new StreamlabError(
    "unavailable",
    `Cannot use "${store.root}": it does not honour "create only if absent", which every commit rests on`,
    { hint },
  );
}

async function isConditional(store: Store, path: string): Promise<boolean> {
  const first = new TextEncoder().encode("first"), second = new TextEncoder().encode("second");
  try {
    const wonFirst = await store.create(path, first);
    const wonSecond = await store.create(path, second);
    if (!wonFirst || wonSecond) return false;
    return new TextDecoder().decode(await store.read(path)) === "first";
  } catch (error) {
    if (isKind(error, "not-found")) return false;
    throw error;
  } finally {
    await deleteMade(store, [path], [probePlace]);
  }
}

/** What the paths of probes in a folder begin with. */
export function probePrefix(folder: string): string {
  return `${folder === "" ? "" : `${folder}/`}${MARK}`;
}

export function isProbePath(path: string): boolean {
  return PROBE_NAME.test(path.slice(path.lastIndexOf("/") + 1));
}

/** Probes can be in any folder of a store; their names are used for nothing else. */
export const probePlace: OwnPlace = { folder: "", isOwn: isProbePath };
