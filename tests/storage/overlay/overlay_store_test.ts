import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../../core/base/clock.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { openLocalStore } from "../../../core/storage/local/local_store.ts";
import { OverlayStore } from "../../../core/storage/overlay/overlay_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { folderState } from "../../support/folder_state.ts";
import { runConformance } from "../conformance.ts";
import { bytes, pathsOf, text } from "../conformance_case.ts";

const random = seededRandom(1);
const clock = systemClock;

function open(folder: string): { below: Store; overlay: OverlayStore } {
  const below = openLocalStore(`${folder}/below`, { random, durable: false });
  return { below, overlay: new OverlayStore(below, { folder: `${folder}/layer`, clock, random }) };
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an overlay keeps the contract of a store", (t) =>
  withFolder(async (folder) => {
    let count = 0;
    await runConformance(t, () => Promise.resolve(open(`${folder}/${count++}`).overlay));
  }));

Deno.test("what lies below is seen through an overlay, and no change reaches it", () =>
  withFolder(async (folder) => {
    const { below, overlay } = open(folder);
    for (const path of ["a/1", "a/2", "a/4", "b"]) await below.write(path, bytes(path));
    const before = folderState(`${folder}/below`);
    await overlay.write("a/2", bytes("new"));
    await overlay.write("a/3", bytes("added"));
    strictEqual(await overlay.create("a/4", bytes("late")), false);
    await overlay.deletePaths(["a/1"]);
    deepStrictEqual(await pathsOf(overlay, "a/"), ["a/2", "a/3", "a/4"]);
    deepStrictEqual((await Array.fromAsync(overlay.list("", { after: "a/2" }))).map(({ path }) => path), [
      "a/3",
      "a/4",
      "b",
    ]);
    deepStrictEqual(
      await Promise.all(["a/2", "a/3", "a/4", "b"].map(async (path) => text(await overlay.read(path)))),
      ["new", "added", "a/4", "b"],
    );
    strictEqual(await overlay.stat("a/1"), undefined);
    strictEqual(await overlay.create("a/1", bytes("again")), true);
    strictEqual(text(await overlay.read("a/1")), "again");
    strictEqual(overlay.localPath("b"), `${folder}/below/b`);
    strictEqual(Deno.readTextFileSync(overlay.localPath("a/2")!), "new");
    deepStrictEqual(folderState(`${folder}/below`), before);
  }));
