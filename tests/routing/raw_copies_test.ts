import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { readFilePart } from "../../core/disk/scratch.ts";
import type { PlannedFile } from "../../core/lake/batch_plan.ts";
import { RawCopies } from "../../core/routing/raw_copies.ts";
import type { Store } from "../../core/storage/store.ts";

const megabyte = 1 << 20;

/** A store that notes what it is asked for, and gives it when it is let. */
function slowStore() {
  const asked: string[] = [];
  let underWay = 0, most = 0;
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const wait = async (path: string) => {
    asked.push(path);
    most = Math.max(most, ++underWay);
    const gate = Promise.withResolvers<void>();
    gates.set(path, gate);
    await gate.promise.finally(() => underWay--);
  };
  const store = {
    read: async (path: string) => (await wait(path), new TextEncoder().encode(path)),
    getFile: async (path: string, target: string) => (await wait(path), await Deno.writeTextFile(target, path)),
  } as unknown as Store;
  return {
    store,
    asked,
    most: () => most,
    let: (path: string) => gates.get(path)!.resolve(),
    refuse: (path: string) => gates.get(path)!.reject(new StreamlabError("unavailable", "no")),
  };
}

function planned(path: string, size: number): PlannedFile {
  return { path, name: path, etag: "e", size };
}

async function withCopies(store: Store, action: (copies: RawCopies, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-copies-" });
  const copies = new RawCopies(store, `${folder}/ahead`);
  try {
    await action(copies, folder);
    copies.close();
    deepStrictEqual([...Deno.readDirSync(`${folder}/ahead`)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Lets everything happen that waits for nothing. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("of a file that others read the rest of only the pieces are fetched, each to where it stands", async () => {
  const asked: number[] = [];
  const readRange = (_path: string, offset: number, size: number, { etag }: { etag: string }) => {
    strictEqual(etag, "e");
    asked.push(offset / megabyte, size / megabyte);
    return Promise.resolve(new Uint8Array(size).fill(offset / megabyte));
  };
  await withCopies({ readRange } as unknown as Store, async (copies) => {
    copies.begin();
    const piece = { how: "elements", position: 0, records: 1 } as const;
    const pieces = [{ ...piece, offset: 3 * megabyte, size: 7 }, {
      ...piece,
      offset: 16 * megabyte,
      size: 9 * megabyte,
    }];
    const copy = await copies.take({ ...planned("a", 1_000 * megabyte), pieces });
    if (typeof copy === "string") throw new Error(copy);
    deepStrictEqual(asked, [3, 7 / megabyte, 16, 8, 24, 1]);
    for (const [offset, length] of [[3, 7], [16, 8 * megabyte], [24, megabyte]] as const) {
      const bytes = readFilePart(copy.path, length, offset * megabyte);
      ok(bytes.length === length && bytes.every((byte) => byte === offset));
    }
  });
});

Deno.test("what is fetched ahead stays within a budget of bytes, and is not fetched twice", async () => {
  const { store, asked, let: give } = slowStore();
  await withCopies(store, async (copies) => {
    const files = [100, 100, 100].map((size, index) => planned(`f${index}`, size * megabyte));
    for (let time = 0; time < 2; time++) {
      copies.expect(files, "now");
      await turn();
    }
    deepStrictEqual(asked, ["f0", "f1"]);
    copies.begin();
    const takes = files.map((file) => copies.take(file));
    await turn();
    deepStrictEqual(asked, ["f0", "f1", "f2"]);
    for (const { path } of files) give(path);
    for (const [index, take] of takes.entries()) {
      const copy = await take;
      ok(typeof copy === "object");
      strictEqual(Deno.readTextFileSync(copy.path), `f${index}`);
    }
    copies.end();
  });
});

Deno.test("what failed ahead of its time is fetched again when it is needed", async () => {
  const { store, asked, let: give, refuse } = slowStore();
  await withCopies(store, async (copies) => {
    const file = planned("f", 10);
    copies.expect([file], "now");
    await turn();
    refuse("f");
    copies.begin();
    const take = copies.take(file);
    await turn();
    give("f");
    const copy = await take;
    ok(typeof copy === "object" && copy.offset === 0);
    deepStrictEqual(asked, ["f", "f"]);
  });
});

Deno.test("many small objects travel at once, within a bound", async () => {
  const { store, asked, most, let: give } = slowStore();
  await withCopies(store, async (copies) => {
    const files = Array.from({ length: 2_000 }, (_, index) => planned(`f${index}`, 10));
    copies.begin();
    const takes = files.map((file) => copies.take(file));
    for (let given = 0; given < files.length;) {
      await turn();
      while (given < asked.length) give(asked[given++]!);
    }
    const copied = await Promise.all(takes);
    strictEqual(new Set(copied.map((copy) => typeof copy === "object" && copy.path)).size, 1);
    ok(most() > 200 && most() <= 512, `${most()} at once`);
  });
});
