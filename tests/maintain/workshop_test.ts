import { notStrictEqual, ok } from "node:assert/strict";
import { systemClock } from "../../core/base/clock.ts";
import { seededRandom } from "../../core/base/random.ts";
import { takeKernelLock } from "../../core/disk/kernel_lock.ts";
import type { Surroundings } from "../../core/maintain/surroundings.ts";
import { removeDeadScratches, Workshop } from "../../core/maintain/workshop.ts";
import { scratchFolder } from "../support/scratch_folder.ts";
import { isFileThere } from "../support/until_there.ts";
import { MaintainWorld } from "./maintain_world.ts";

function open(surroundings: Surroundings): Promise<Workshop> {
  const machine = { temporaryFolder: scratchFolder(), threads: 1, memory: "100MB" };
  return Workshop.open(surroundings, { ...machine, leavesLake: false });
}

Deno.test("a maintainer whose new scratch another one takes for a dead one's makes itself another", () =>
  MaintainWorld.use(async (world) => {
    const surroundings = () => ({ ...world.surroundings, random: seededRandom(5) });
    const first = await open(surroundings());
    const folder = first.scratch.folder;
    first.close();
    // By the same chance the next one gets the same name, which somebody looks at just then.
    const looking = await takeKernelLock(`${folder}/lock`, "cleaning up", systemClock);
    ok("release" in looking);
    const second = await open(surroundings());
    notStrictEqual(second.scratch.folder, folder);
    looking.release();
    const third = await open(world.surroundings);
    ok(isFileThere(`${second.scratch.folder}/lock`), "it is not taken for a dead one's");
    third.close();
    second.close();
  }));

Deno.test("scratch whose lock is made and not yet taken is left to its maker, and to nobody for longer than that", () =>
  MaintainWorld.use(async ({ surroundings }) => {
    const { store, clock } = surroundings;
    const workshop = await open(surroundings);
    const lock = `${workshop.scratch.folder}/lock`;
    workshop.close();
    Deno.mkdirSync(workshop.scratch.folder, { recursive: true });
    Deno.writeTextFileSync(lock, "");
    Deno.utimeSync(lock, clock.nowMs() / 1000, clock.nowMs() / 1000);
    await removeDeadScratches({ store, clock });
    ok(isFileThere(lock));
    Deno.utimeSync(lock, 0, 0);
    await removeDeadScratches({ store, clock });
    ok(!isFileThere(lock));
  }));
