import { deepStrictEqual, notStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { takeKernelLock } from "../../core/disk/kernel_lock.ts";
import { takeTemporaryFolder } from "../../core/disk/temporary_folder.ts";
import { inFolder } from "../support/own_folder.ts";

const world = { clock: systemClock, random: seededRandom(3) };
/** As one that was left long ago. */
const age = (path: string) => Deno.utimeSync(path, new Date(0), new Date(0));
const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("temporary folders of the living stay, and each goes with its owner", () =>
  inFolder(async (parent) => {
    const first = await takeTemporaryFolder(parent, "consume", world);
    Deno.writeTextFileSync(`${first.path}/x`, "x");
    const second = await takeTemporaryFolder(parent, "query", world);
    notStrictEqual(first.path, second.path);
    strictEqual(Deno.readTextFileSync(`${first.path}/x`), "x");
    first.release();
    deepStrictEqual(namesIn(parent).map((name) => `${parent}/${name}`), [second.path, `${second.path}.lock`]);
    second.release();
    deepStrictEqual(namesIn(parent), []);
  }));

Deno.test("the temporary folder of a process that was killed is removed by the next one, and nothing else", () =>
  inFolder(async (parent) => {
    const module = new URL("../../core/disk/temporary_folder.ts", import.meta.url);
    const base = new URL("../../core/base/", import.meta.url);
    const program = `import { takeTemporaryFolder } from "${module}";
import { systemClock } from "${base}clock.ts";
import { systemRandom } from "${base}random.ts";
const { path } = await takeTemporaryFolder(${
      JSON.stringify(parent)
    }, "consume", { clock: systemClock, random: systemRandom });
Deno.writeTextFileSync(path + "/x", "x");
console.log("ready");
setTimeout(() => {}, 60_000);`;
    const args = ["eval", "--no-check", program];
    const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    strictEqual(namesIn(parent).length, 2);
    child.kill("SIGKILL");
    await child.status;
    reader.releaseLock();
    await child.stdout.cancel();
    await Deno.mkdir(`${parent}/streamlab-other`);
    const mine = await takeTemporaryFolder(parent, "query", world);
    deepStrictEqual(namesIn(parent).filter((name) => !mine.path.endsWith(name.replace(".lock", ""))), [
      "streamlab-other",
    ]);
    mine.release();
  }));

Deno.test("a lock that somebody has made, and not taken yet, is left to them", () =>
  inFolder(async (parent) => {
    const [fresh, old] = [1, 2].map((number) => `streamlab-query-${ID}${number}.lock`);
    for (const name of [fresh, old]) Deno.writeTextFileSync(`${parent}/${name}`, "");
    age(`${parent}/${old}`);
    (await takeTemporaryFolder(parent, "query", world)).release();
    deepStrictEqual(namesIn(parent), [fresh]);
  }));

Deno.test("many who want a temporary folder at once each have one", () =>
  inFolder(async (parent) => {
    const taken = await Promise.all(Array.from({ length: 50 }, () => takeTemporaryFolder(parent, "query", world)));
    strictEqual(new Set(taken.map(({ path }) => path)).size, 50);
    for (const folder of taken) folder.release();
    deepStrictEqual(namesIn(parent), []);
  }));

const ID = "00000000-0000-4000-8000-00000000000";

Deno.test("a name that another user has put beside temporary folders empties and removes nothing", () =>
  inFolder(async (parent) => {
    const precious = `${parent}/precious`;
    Deno.mkdirSync(precious);
    Deno.writeTextFileSync(`${precious}/file`, "kept");
    Deno.symlinkSync(`${precious}/file`, `${parent}/streamlab-query-${ID}1.lock`);
    Deno.linkSync(`${precious}/file`, `${parent}/streamlab-query-${ID}2.lock`);
    Deno.symlinkSync(`${precious}/new`, `${parent}/streamlab-query-${ID}3.lock`);
    Deno.writeTextFileSync(`${parent}/streamlab-query-${ID}4.lock`, "");
    for (const number of [2, 4]) age(`${parent}/streamlab-query-${ID}${number}.lock`);
    Deno.symlinkSync(precious, `${parent}/streamlab-query-${ID}4`);
    const taken = await takeTemporaryFolder(parent, "query", world);
    taken.release();
    deepStrictEqual(namesIn(precious), ["file"]);
    strictEqual(Deno.readTextFileSync(`${precious}/file`), "kept");
  }));

Deno.test("a lock whose holder removes it while somebody asks for it is held, and no error", () =>
  inFolder(async (parent) => {
    const path = `${parent}/lock`;
    const lock = await takeKernelLock(path, "the holder", systemClock);
    const asking = takeKernelLock(path, "another", systemClock);
    Deno.removeSync(path);
    deepStrictEqual(await asking, { heldBy: "the holder" });
    if ("release" in lock) lock.release();
  }));

Deno.test("a lock is never taken through a link, whose file would be emptied", () =>
  inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/file`, "kept");
    Deno.symlinkSync(`${folder}/file`, `${folder}/symbolic`);
    Deno.linkSync(`${folder}/file`, `${folder}/hard`);
    for (const name of ["symbolic", "hard"]) {
      await rejects(takeKernelLock(`${folder}/${name}`, "me", systemClock), /Cannot open the lock .*: it is a link/);
    }
    strictEqual(Deno.readTextFileSync(`${folder}/file`), "kept");
  }));

Deno.test(
  "what another user calls like our temporary folders is left alone",
  { ignore: Deno.uid() !== 0 },
  () =>
    inFolder(async (parent) => {
      const [lock, folder] = [`${parent}/streamlab-query-${ID}5.lock`, `${parent}/streamlab-query-${ID}5`];
      Deno.writeTextFileSync(lock, "theirs");
      Deno.mkdirSync(folder);
      age(lock);
      for (const path of [lock, folder]) Deno.chownSync(path, 54_321, 54_321);
      (await takeTemporaryFolder(parent, "query", world)).release();
      deepStrictEqual(namesIn(parent), [folder, lock].map((path) => path.slice(parent.length + 1)));
      strictEqual(Deno.readTextFileSync(lock), "theirs");
    }),
);
