import { strictEqual } from "node:assert/strict";
import { inFolder } from "./own_folder.ts";
import { endGroup, startGroup } from "./process_group.ts";
import { isFileThere, untilThere } from "./until_there.ts";

/** Goes on writing into a folder, which it makes again and again. */
const writer = "while :; do mkdir -p data; echo x > data/file; done";

for (
  const [who, script] of [
    ["a child", `(${writer}) & wait`],
    ["a child whose parent has ended", `(${writer}) & exit`],
    ["a child in a group of its own", `set -m; (${writer}) & exit`],
  ] as const
) {
  Deno.test(`a folder that ${who} of a test's program wrote into can be removed when the program was ended`, () =>
    inFolder(async (folder) => {
      const program = startGroup("bash", { args: ["-c", script], cwd: folder, stdout: "null", stderr: "null" });
      await untilThere(() => isFileThere(`${folder}/data/file`));
      await endGroup(program);
      await Deno.remove(`${folder}/data`, { recursive: true });
      strictEqual([...Deno.readDirSync(folder)].length, 0);
    }));
}
