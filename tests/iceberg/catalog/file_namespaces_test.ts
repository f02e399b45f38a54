import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { isKind, StreamlabError } from "../../../core/base/errors.ts";
import { seededRandom } from "../../../core/base/random.ts";
import { FileNamespaces, type NamespaceRecord } from "../../../core/iceberg/catalog/file_namespaces.ts";
import { openLocalStore } from "../../../core/storage/local/local_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { storeWith } from "../../support/store_with.ts";

async function withStore(action: (store: Store) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-namespaces-" });
  try {
    await action(openLocalStore(folder, { random: seededRandom(1), durable: false }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function record(commitId: string, changes: Partial<NamespaceRecord> = {}): Omit<NamespaceRecord, "version"> {
  return { namespace: ["shop"], properties: { by: commitId }, isDropped: false, commitId, ...changes };
}

const noAnswer = () => new StreamlabError("unavailable", "no answer");

Deno.test("of two that change a namespace at once one is first, and the other hears of it", () =>
  withStore(async (store) => {
    const [a, b] = [new FileNamespaces(store), new FileNamespaces(store)];
    const base = await a.put(undefined, record("1"));
    const outcomes = await Promise.allSettled([a.put(base, record("a")), b.put(base, record("b"))]);
    deepStrictEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") strictEqual(isKind(outcome.reason, "conflict"), true, String(outcome.reason));
      else deepStrictEqual(await b.find(["shop"]), outcome.value);
    }
  }));

Deno.test("a dropped namespace is not listed, and its versions go on when it is made again", () =>
  withStore(async (store) => {
    const namespaces = new FileNamespaces(store);
    const made = await namespaces.put(undefined, record("1", { namespace: ["a", "b c", "ä%"] }));
    deepStrictEqual(await namespaces.list(), [["a", "b c", "ä%"]]);
    const dropped = await namespaces.put(made, { ...made, isDropped: true, commitId: "2" });
    deepStrictEqual([dropped.version, await namespaces.list()], [2, []]);
    strictEqual((await namespaces.put(dropped, { ...made, commitId: "3" })).version, 3);
    strictEqual((await namespaces.list()).length, 1);
  }));

Deno.test("a change whose answer was lost is found again by its id", () =>
  withStore(async (store) => {
    const late = storeWith(store, {
      async create(path, bytes) {
        await store.create(path, bytes);
        throw noAnswer();
      },
    });
    strictEqual((await new FileNamespaces(late).put(undefined, record("1"))).version, 1);
    const twice = storeWith(store, { create: async (path, bytes) => await store.create(path, bytes) && false });
    const base = await new FileNamespaces(store).find(["shop"]);
    strictEqual((await new FileNamespaces(twice).put(base, record("2"))).version, 2);
    const never = storeWith(store, { create: () => Promise.reject(noAnswer()) });
    await rejects(new FileNamespaces(never).put(base, record("3")), (error) => isKind(error, "unavailable"));
  }));

Deno.test("a record of a newer streamlab, and one that is none, are not taken for an empty one", () =>
  withStore(async (store) => {
    const namespaces = new FileNamespaces(store);
    await namespaces.put(undefined, record("1"));
    const write = (text: string) => store.write("warehouse/.namespaces/shop/v2.json", new TextEncoder().encode(text));
    await write('{"format":2}');
    await rejects(namespaces.find(["shop"]), (error) => isKind(error, "newer"));
    for (const text of ["", "[]", '{"format":1}', '{"format":1,"commit-id":"1","dropped":"no"}']) {
      await write(text);
      await rejects(namespaces.find(["shop"]), (error) => isKind(error, "corrupt"), text);
    }
  }));
