import { deepStrictEqual, notStrictEqual, strictEqual } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { takeTemporaryFolder } from "../../core/disk/temporary_folder.ts";

const world = { clock: systemClock, random: seededRandom(3) };
const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

async function inFolder(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-tmp-" });
  try {
    await action(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

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
