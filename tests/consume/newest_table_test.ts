import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { seededRandom } from "../../core/base/random.ts";
import { onNewest } from "../../core/consume/newest_table.ts";
import { ManualClock } from "../support/manual_clock.ts";

Deno.test("a table whose snapshot goes while it is read is loaded anew, and not for ever", async () => {
  const tools = { clock: new ManualClock(), random: seededRandom(1) };
  const gone = () => new StreamlabError("not-found", "Cannot read the manifest list");
  const read = async (failures: Error[]) => {
    let loads = 0;
    const load = () => Promise.resolve(void loads++);
    await onNewest(load, () => {
      const failure = failures.shift();
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    }, tools);
    return loads;
  };
  strictEqual(await read([]), 1);
  strictEqual(await read([gone(), gone()]), 3);
  const left = [gone(), gone(), gone(), gone()];
  await rejects(() => read(left), /manifest list/);
  strictEqual(left.length, 1);
  const other = [new StreamlabError("unavailable", "The disk is full"), gone()];
  await rejects(() => read(other), /The disk is full/);
  deepStrictEqual(other.length, 1);
});
