import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { readSource, sourceFiles } from "./source_tree.ts";

/** Paths, keys, columns and names of files that are a lake's, as they would stand in code. */
const lakeNames = [
  /["'`](raw\/|(checkpoints|warehouse)["'`/])/,
  /["'`](ingest|dead_letters)["'`.]/,
  /streamlab\.(sequence-id|batch-id|fenced)/,
  /["'`\s](_(ingested_at|source_file|source_position|batch_id|dead_letter_\w+|raw_record))\b/,
  /\b(source_file|plan\.json|routed\.json)\b|compact-/,
];

/** What the user reads may name them: descriptions of flags, and examples. */
const words = /\b(doc|line|description|hint):|on[A-Z]\w+:|=== "ingest"|^\s*"[^"]*" \+$/;

/** Places in a text where a lake's names are written anew. */
function lakeNamesIn(path: string, text: string): string[] {
  const code = text.replaceAll(/\/\*.*?\*\//gs, (comment) => comment.replaceAll(/[^\n]/g, ""));
  return code.split("\n").flatMap((line) =>
    !/^\s*\/\//.test(line) && !words.test(line) && lakeNames.some((name) => name.test(line))
      ? [`${path}: ${line.trim()}`]
      : []
  );
}

Deno.test("paths, names, columns and keys of a lake are written in core/lake only", async () => {
  const elsewhere = (await sourceFiles()).filter((path) => /^(core|commands)\/(?!lake\/)/.test(path));
  const found = await Promise.all(elsewhere.map(async (path) => lakeNamesIn(path, await readSource(path))));
  deepStrictEqual(found.flat(), [
    'core/iceberg/catalog/catalog.ts: export const DEFAULT_WAREHOUSE = "warehouse";',
  ]);
});

Deno.test("the search for a lake's names finds them", () => {
  const lines = [
    "`checkpoints/${x}`",
    '"raw/events"',
    '["ingest"]',
    "`SELECT source_file`",
    "/^compact-/",
    " _batch_id,",
  ];
  for (const line of lines) strictEqual(lakeNamesIn("x.ts", `const x = ${line};`).length, 1, line);
  strictEqual(lakeNamesIn("x.ts", 'doc: "raw/events/",\n/* _batch_id */\n// "raw/"').length, 0);
});
