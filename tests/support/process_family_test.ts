import { deepStrictEqual } from "node:assert/strict";
import { familyOf } from "../../bench/measured_process.ts";
import { scratchFolder } from "./scratch_folder.ts";

Deno.test("a thread that ends while a process is looked at hides no children of the others", () => {
  const proc = Deno.makeTempDirSync({ dir: scratchFolder() });
  // As of a thread that has ended since it was listed, there is nothing to read of 2.
  for (const thread of ["1/task/1", "1/task/2", "1/task/3", "4/task/4", "5/task/5", "6/task/6"]) {
    Deno.mkdirSync(`${proc}/${thread}`, { recursive: true });
  }
  for (const [thread, children] of [["1/task/1", "4 "], ["1/task/3", "5 6 "], ["4/task/4", ""], ["5/task/5", "7 "]]) {
    Deno.writeTextFileSync(`${proc}/${thread}/children`, children!);
  }
  deepStrictEqual(familyOf(1, proc).sort(), [1, 4, 5, 6, 7]);
});
