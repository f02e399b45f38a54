import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { root, sourceFiles } from "./source_tree.ts";

/** What each example prints, run in an empty folder and then again. */
const expected: Record<string, string[]> = {
  "examples/iceberg_table.ts": [
    "2 snapshots, 2 files, 1000 rows\norder_id > 900 needs 1 of them\n",
    "4 snapshots, 4 files, 2000 rows\norder_id > 900 needs 2 of them\n",
  ],
};

Deno.test("every example is tried", async () => {
  deepStrictEqual((await sourceFiles()).filter((path) => path.startsWith("examples/")), Object.keys(expected));
});

for (const [path, runs] of Object.entries(expected)) {
  Deno.test(`${path} prints what it should`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "streamlab-example-" });
    try {
      for (const text of runs) {
        const args = ["run", "--no-check", "--allow-all", "--config", `${root}deno.json`, `${root}${path}`, "table"];
        const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder }).output();
        const decoder = new TextDecoder();
        strictEqual(decoder.decode(stdout), text, decoder.decode(stderr));
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
