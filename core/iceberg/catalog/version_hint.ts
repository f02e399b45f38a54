import { ifFound, isKind } from "../../base/errors.ts";
import type { Store } from "../../storage/store.ts";
import { listVersions } from "./metadata_versions.ts";

/** A bound on racing writers that push each other's hint. */
const ATTEMPTS_MAX = 5;

/**
 * Moves `version-hint.text` forward to at least `version`. Engines read it to find the current
 * version; it holds the bare number, for a trailing newline breaks DuckDB's and PyIceberg's
 * readers. Writes cannot be conditional, so after each the versions are listed: two racing writers
 * leave the higher number. With `isHighest` the hint need not be read first: it is only written for
 * existing versions.
 */
export async function advanceVersionHint(
  store: Store,
  folder: string,
  version: number,
  isHighest: boolean,
): Promise<void> {
  const path = `${folder}/metadata/version-hint.text`;
  let target = version;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const isKnownLower = attempt === 0 && isHighest;
    if (!isKnownLower) {
      const hint = await readVersionHint(store, path);
      // One beyond all versions is damage: it is written after the version that it names.
      if (hint === target || (hint > target && (await highestVersion(store, folder, target)) >= hint)) return;
    }
    await store.write(path, new TextEncoder().encode(String(target)));
    // All of them, not the next one: it may have been cleaned up while we slept before the writing.
    const highest = await highestVersion(store, folder, target);
    if (highest <= target) return;
    target = highest;
  }
}

async function highestVersion(store: Store, folder: string, otherwise: number): Promise<number> {
  return (await listVersions(store, folder)).at(-1)?.version ?? otherwise;
}

/** More digits than any version has. */
const HINT_BYTES_MAX = 100;

/**
 * 0 where there is none, or anything but the bare number (`04` and a newline behind it break other
 * readers): then it is written anew.
 */
async function readVersionHint(store: Store, path: string): Promise<number> {
  try {
    const bytes = await ifFound(store.read(path, { bytesMax: HINT_BYTES_MAX }));
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
  } catch (error) {
    if (isKind(error, "corrupt")) return 0;
    throw error;
  }
}
