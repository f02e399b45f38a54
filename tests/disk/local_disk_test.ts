import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { dirname } from "node:path";
import { isKind, StreamlabError } from "../../core/base/errors.ts";
import { seededRandom } from "../../core/base/random.ts";
import { openLocalStore } from "../../core/storage/local/local_store.ts";
import type { Store } from "../../core/storage/store.ts";
import { type DiskCall, diskError, withWatchedDisk } from "../support/disk_calls.ts";
import { bytes, pathsOf, text } from "../storage/conformance_case.ts";

interface Change {
  name: string;
  run: (store: Store, scratch: string) => Promise<unknown>;
  /** What "w/t/x" holds afterwards; undefined: nothing. */
  content: string | undefined;
}

const changes: Change[] = [
  { name: "write", run: (store) => store.write("w/t/x", bytes("new")), content: "new" },
  { name: "create", run: (store) => store.create("w/t/x", bytes("new")), content: "new" },
  {
    name: "putFile",
    run: async (store, scratch) => {
      await Deno.writeTextFile(`${scratch}/part`, "new");
      await store.putFile("w/t/x", `${scratch}/part`);
    },
    content: "new",
  },
  { name: "delete", run: (store) => store.deletePaths(["w/t/x"]), content: undefined },
];

async function withLake(use: (folder: string, store: Store, scratch: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/scratch`);
  try {
    await use(folder, openLocalStore(`${folder}/lake`, { random: seededRandom(1) }), `${folder}/scratch`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function record(action: () => Promise<unknown>): Promise<DiskCall[]> {
  const calls: DiskCall[] = [];
  await withWatchedDisk((call) => void calls.push(call), action);
  return calls;
}

/**
 * What a power cut after these calls may leave under `path` at worst: bytes count once their file
 * was synced, names once their folder was, all the way up to `top`.
 */
function survives(calls: DiskCall[], path: string, top: string): boolean {
  const synced = (target: string, from: number) =>
    calls.slice(from).some(({ name, path }) => name === "sync" && path === target);
  const placed = calls.findIndex(({ name, target }) => (name === "rename" || name === "link") && target === path);
  if (placed < 0) return false;
  const bytesAreSafe = synced(calls[placed]!.path, 0) &&
    calls.slice(0, placed).some(({ name, path }) => name === "sync" && path === calls[placed]!.path);
  let namesAreSafe = synced(dirname(path), placed);
  for (let folder = dirname(path); folder !== top; folder = dirname(folder)) {
    namesAreSafe &&= synced(dirname(folder), calls.findIndex(({ name }) => name === "mkdir"));
  }
  return bytesAreSafe && namesAreSafe;
}

Deno.test("a change that returned survives a power cut: bytes synced before the name, then the folder, then folders that were made", () =>
  withLake(async (folder, store, scratch) => {
    for (const { name, run, content } of changes) {
      if (content === undefined) continue;
      const calls = await record(() => run(store, scratch));
      ok(
        survives(calls, `${folder}/lake/w/t/x`, folder),
        `${name}: ${calls.map(({ name, path }) => `${name} ${path}`).join(", ")}`,
      );
      await Deno.remove(`${folder}/lake`, { recursive: true });
    }
  }));

Deno.test("only a create links, and it never renames", () =>
  withLake(async (_folder, store) => {
    const calls = await record(() => store.create("v1", bytes("x")));
    deepStrictEqual(calls.filter(({ name }) => name === "link" || name === "rename").map(({ name }) => name), ["link"]);
  }));

Deno.test("a create that lost has made the winner's name durable before it says so", () =>
  withLake(async (folder, store) => {
    await Deno.mkdir(`${folder}/lake`);
    await Deno.writeTextFile(`${folder}/lake/v1`, "the winner's");
    const calls = await record(async () => strictEqual(await store.create("v1", bytes("x")), false));
    const linked = calls.findIndex(({ name }) => name === "link");
    ok(calls.slice(linked).some(({ name, path }) => name === "sync" && path === `${folder}/lake`));
  }));

Deno.test("a store that need not be durable syncs nothing", () =>
  withLake(async (folder, _store, scratch) => {
    const store = openLocalStore(`${folder}/fast`, { random: seededRandom(1), durable: false });
    for (const { run } of changes) {
      deepStrictEqual((await record(() => run(store, scratch))).filter(({ name }) => name === "sync"), []);
    }
  }));

const codes: [code: string, state: RegExp][] = [
  ["ENOSPC", /no space left on the device/],
  ["EIO", /the device reports an input\/output error/],
  ["EACCES", /permission denied/],
  ["EROFS", /the file system is read-only/],
];

/** Lets every call of the change fail in turn, until one run has no further call to fail. */
async function failEachCall(change: Change, code: string, state: RegExp, old: string | undefined): Promise<number> {
  for (let index = 0;; index++) {
    let count = 0, failed: DiskCall | undefined;
    await withLake(async (_folder, store, scratch) => {
      if (old !== undefined) await record(() => store.write("w/t/x", bytes(old)));
      const watch = (call: DiskCall) => {
        if (count++ !== index || call.path.startsWith(scratch)) return;
        failed = call;
        throw diskError(code);
      };
      const outcome = await withWatchedDisk(watch, () => change.run(store, scratch)).catch((error: unknown) => error);
      const place = `${change.name}, ${code} at ${failed?.name}`;
      if (outcome instanceof Error) {
        ok(isKind(outcome, "unavailable"), `${place}: ${outcome}`);
        match(outcome.message, state);
        match(outcome.message, /^Cannot [a-z ]+ ".*lake/);
      }
      const held = await store.read("w/t/x").then(text, () => undefined);
      ok(held === old || held === change.content, `${place} left ${held}`);
      if (!(outcome instanceof Error)) {
        strictEqual(held, change.name === "create" ? old ?? "new" : change.content, place);
      }
      // At most the temporary file that could not be removed stays, and is known for what it is.
      deepStrictEqual(await pathsOf(store, ""), held === undefined ? [] : ["w/t/x"]);
      const unfinished = await Array.fromAsync(store.listUnfinished(""));
      ok(unfinished.length === 0 || failed?.name === "remove", `${place} left a temporary file`);
      await record(() => change.run(store, scratch));
    });
    if (count <= index) return index;
  }
}

Deno.test("a full, broken, forbidden or read-only disk fails each step with one clear message, loses nothing, and the next try goes on", async () => {
  let tried = 0;
  for (const change of changes) {
    for (const [code, state] of codes) {
      for (const old of [undefined, "old"]) tried += await failEachCall(change, code, state, old);
    }
  }
  ok(tried > 100, `${tried} calls failed in turn`);
});

Deno.test("too many open files are waited for, and told when they stay", () =>
  withLake(async (folder, _store) => {
    const waits: number[] = [];
    const clock = { nowMs: () => 0, sleep: (ms: number) => Promise.resolve(void waits.push(ms)) };
    const store = openLocalStore(`${folder}/lake`, { random: seededRandom(1), clock });
    await store.write("x", bytes("1"));
    let crowded = 2;
    const watch = ({ name }: DiskCall) => {
      if (name === "open" && crowded-- > 0) throw diskError("EMFILE");
    };
    strictEqual(text(await withWatchedDisk(watch, () => store.read("x"))), "1");
    strictEqual(waits.length, 2);
    crowded = Infinity;
    await withWatchedDisk(watch, () =>
      rejects(() =>
        store.read("x"), (error) =>
        error instanceof StreamlabError && /too many open files/.test(error.message)));
  }));
