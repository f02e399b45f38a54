import { deepStrictEqual, strictEqual } from "node:assert/strict";
import plugin from "./lint_plugin.ts";
import { emptyNames, longer, sparseObjects, terminals, unfinishedWords, usedByTests } from "./rules.ts";
import { type Edge, importEdges, readSource, repositoryFiles, root, sourceFiles } from "./source_tree.ts";

function lint(path: string, text: string): string[] {
  return Deno.lint.runPlugin(plugin, `${root}${path}`, text).map(({ message }) => `${path}: ${message}`);
}

Deno.test("functions and files are short, time, chance, printing and file access have their places", async () => {
  const found = await Promise.all((await sourceFiles()).map(async (path) => lint(path, await readSource(path))));
  deepStrictEqual(found.flat(), []);
});

Deno.test("a count with its noun is written by counted()", () => {
  const finds = (path: string, text: string) => lint(path, text).length;
  const counts = ["`${n} files`", "f(`${n} dead letters, ${m}`)", "`${n} of the files`", "`SELECT n || ' rows in'`"];
  for (const code of counts) {
    strictEqual(finds("commands/x.ts", code), 1, code);
    strictEqual(finds("bench/x.ts", code), 0, code);
  }
  for (const code of ["`${counted(n, `file`)}`", "`${FILES_MAX} files`", "`${name} holds files`"]) {
    strictEqual(finds("core/query/x.ts", code), 0, code);
  }
});

Deno.test("the house rules find what they are there for", () => {
  const finds = (path: string, text: string) => lint(path, text).length;
  strictEqual(finds("core/query/x.ts", `function f() {\n${"1;\n".repeat(70)}}`), 1);
  strictEqual(finds("core/query/x.ts", `const f = () => {\n${"1;\n".repeat(68)}};`), 0);
  strictEqual(finds("core/query/x.ts", "1;\n".repeat(401)), 1);
  for (const code of ["Date.now()", "new Date()", "Math.random()", "crypto.randomUUID()", "setTimeout(f, 1)"]) {
    strictEqual(finds("core/query/x.ts", code), 1, code);
    strictEqual(finds("core/base/x.ts", code), 0, code);
  }
  strictEqual(finds("core/query/x.ts", "new Date(0)"), 0);
  for (const code of ["console.log(1)", "Deno.stdout.write(b)", "process.stderr.write(b)"]) {
    strictEqual(finds("core/base/x.ts", code), 1, code);
  }
  for (const code of ["console.log(1)", "Deno.stdout.write(b)", 'f("\\x1b[K")', "f(`\\u001b[31m${a}`)"]) {
    strictEqual(finds("commands/x.ts", code), 1, code);
    strictEqual(finds("commands/line/output_stream.ts", code), 0, code);
  }
  for (const code of ["private x = 1;", "private f() {}", "constructor(readonly x: number) {}"]) {
    strictEqual(finds("core/query/x.ts", `class A { ${code} }`), 1, code);
  }
  strictEqual(finds("core/query/x.ts", "class A { #x = 1; private constructor() { this.#x; } }"), 0);
  for (const code of ["1", "-1n", "/x/", "`x`", "2 * LIMIT", "[1, 2]", "{ a: 1 } as const", 'new Set(["a"])']) {
    strictEqual(finds("core/query/x.ts", `const limit = ${code};`), 1, code);
    strictEqual(finds("core/query/x.ts", `export const LIMIT = ${code};`), 0, code);
  }
  for (const code of ["() => 1", "new Map()", "[]", "limits.of(1)", "{ f() {} }"]) {
    strictEqual(finds("core/query/x.ts", `const limit = ${code};`), 0, code);
  }
  strictEqual(finds("core/query/x.ts", `// ${"x ".repeat(50)}`), 1);
  strictEqual(finds("core/query/x.ts", `const x = f(); // ${"x ".repeat(50)}`), 0);
  strictEqual(finds("core/iceberg/x.ts", "await Deno.readTextFile(p)"), 1);
  strictEqual(finds("core/storage/x.ts", "await Deno.readTextFile(p)"), 0);
  strictEqual(finds("core/lake/x.ts", 'error instanceof StreamlabError && error.kind === "corrupt"'), 1);
  strictEqual(finds("core/lake/x.ts", '!(error instanceof StreamlabError) || error.kind !== "corrupt"'), 1);
  strictEqual(finds("core/lake/x.ts", 'isKind(error, "corrupt")'), 0);
  strictEqual(finds("core/lake/x.ts", 'Array.from(b, (byte) => byte.toString(16).padStart(2, "0")).join("")'), 1);
  strictEqual(finds("core/lake/x.ts", 'b.toHex() + c.toString(16).padStart(4, "0")'), 0);
  for (const code of ["n += await file.write(b)", "n += file.writeSync(b)", "b = b.subarray(await this.#f.write(b))"]) {
    strictEqual(finds("core/disk/x.ts", code), 1, code);
    strictEqual(finds("core/disk/file_bytes.ts", code), 0, code);
  }
  for (const code of ["x === undefined ? {} : { x }", "x ? { x } : {}", "x !== undefined && { x }"]) {
    strictEqual(finds("core/query/x.ts", `f({ ...(${code}) });`), 1, code);
    strictEqual(finds("core/engine/duckdb.ts", `f({ ...(${code}) });`), 0, code);
  }
  strictEqual(finds("core/query/x.ts", "f({ x, ...(ref ?? { type }), ...rest }, ...(x ? [] : [y]));"), 0);
  const deletions = [
    "await Deno.remove(p)",
    "Deno.removeSync(p)",
    "const f = Deno.remove;",
    "const { remove } = Deno;",
    "await store.deletePaths([p])",
    "await this.#store?.deletePaths([p])",
    "const f = store.deletePaths;",
    "await store.discardUnfinished(w)",
    'import { rm } from "node:fs/promises";',
  ];
  for (const code of deletions) {
    strictEqual(finds("core/storage/x.ts", code), 1, code);
    strictEqual(finds("commands/x.ts", code), 1, code);
    strictEqual(finds("tests/x.ts", code), 0, code);
  }
  strictEqual(finds("core/disk/removal.ts", "await Deno.remove(p)"), 0);
  strictEqual(finds("core/storage/deletion.ts", "await store.deletePaths([p])"), 0);
  strictEqual(finds("core/storage/deletion.ts", "await Deno.remove(p)"), 1);
});

Deno.test("exceptions are of files that exist", async () => {
  const files = await repositoryFiles();
  const names = [longer, terminals, sparseObjects, usedByTests].flatMap((exceptions) => Object.keys(exceptions));
  deepStrictEqual(names.filter((name) => !files.includes(name.split(":", 1)[0]!)), []);
});

Deno.test("names of files and folders say what is inside", async () => {
  deepStrictEqual((await repositoryFiles()).filter((path) => emptyNames.test(path)), []);
});

Deno.test("nothing is left unfinished, and nothing tells of the machine it was written on", async () => {
  const found: string[] = [];
  for (const path of await repositoryFiles()) {
    if (path === "tests/house/rules.ts" || path === "tests/house/code_test.ts" || path.includes("/fixtures/")) continue;
    if (path.endsWith(".png")) continue;
    const text = await readSource(path);
    for (const [index, line] of text.split("\n").entries()) {
      if (unfinishedWords.test(line) || /\/(root|home\/\w+)\/|\/work\/(main|shared)/.test(line)) {
        found.push(`${path}:${index + 1}`);
      }
    }
  }
  deepStrictEqual(found, []);
});

Deno.test("an exported type has a name of its own in the whole program", async () => {
  const paths = (await sourceFiles()).filter(isProduct);
  deepStrictEqual(sharedTypeNames(await Promise.all(paths.map(async (path) => [path, await readSource(path)]))), []);
});

function sharedTypeNames(files: (readonly [path: string, text: string])[]): string[] {
  const owners = new Map<string, string[]>();
  for (const [path, text] of files) {
    for (const [, name] of text.matchAll(/^export (?:abstract )?(?:interface|type|class|enum) (\w+)/gm)) {
      owners.set(name!, [...owners.get(name!) ?? [], path]);
    }
  }
  return [...owners].filter(([, paths]) => paths.length > 1).map(([name, paths]) => `${name}: ${paths.join(", ")}`);
}

Deno.test("the search for types that share a name finds them", () => {
  const files = [["a.ts", "export interface A {}\nexport type B = 1;"], [
    "b.ts",
    "export class A {}\nclass B {}",
  ]] as const;
  deepStrictEqual(sharedTypeNames([...files]), ["A: a.ts, b.ts"]);
});

Deno.test("every exported value is used by the program, every exported type is imported or part of one that is", async () => {
  const texts = new Map<string, string>();
  for (const path of await sourceFiles()) texts.set(path, await readSource(path));
  const edges = await importEdges();
  const unused = [...texts.keys()].flatMap((path) => unusedExports(path, texts, edges));
  deepStrictEqual(unused, Object.keys(usedByTests));
});

const isProduct = (path: string) => /^(core\/|commands\/|main\.ts$)/.test(path);

/**
 * By name: whether a file that imports this one mentions the export at all. Lenient, but blind to
 * no dead one with its own name. Of the program's files, tests may ask for what the file itself
 * uses; what nothing but tests uses is dead. The Iceberg package is a library: `mod.ts` uses it.
 */
function unusedExports(path: string, texts: Map<string, string>, edges: Edge[]): string[] {
  const text = texts.get(path)!;
  const importers = edges.filter(({ to }) => to === path).map(({ from }) => from);
  const users = importers.filter((from) =>
    !isProduct(path) || (isProduct(from) && (from !== "core/iceberg/mod.ts" || path.startsWith("core/iceberg/")))
  );
  const code = text.replaceAll(/^\s*(\/\/|\/?\*).*$/gm, "");
  const declarations = text.matchAll(
    /^export (?:declare )?(?:abstract )?(?:async )?(function\*?|const enum|const|let|class|interface|type|enum) (\w+)/gm,
  );
  return [...declarations].flatMap(([, kind, name]) => {
    const word = new RegExp(`\\b${name}\\b`, "g");
    const names = (from: string) => (texts.get(from) ?? "").search(word) >= 0;
    if (users.some(names)) return [];
    const isUsedHere = code.match(word)!.length > 1;
    // A type that callers meet only through a function's arguments or result needs no import.
    if (isUsedHere && (/interface|type/.test(kind!) || importers.some(names))) return [];
    return [`${path}: ${name}`];
  });
}

Deno.test("the search for unused exports finds one", () => {
  const found = (texts: Record<string, string>, path: string, ...importers: string[]) =>
    unusedExports(path, new Map(Object.entries(texts)), importers.map((from) => ({ from, to: path })));
  const text = "export const used = 1;\nexport function unused() {}\nexport type T = 1;";
  deepStrictEqual(found({ "a.ts": text, "b.ts": "used" }, "a.ts", "b.ts"), ["a.ts: unused", "a.ts: T"]);
  deepStrictEqual(found({ "b.ts": "used" }, "b.ts"), []);
  const rule = "export const used = 1;";
  for (
    const [path, importer, unused] of [
      ["core/x.ts", "tests/x_test.ts", true],
      ["core/x.ts", "bench/x.ts", true],
      ["core/x.ts", "core/iceberg/mod.ts", true],
      ["core/iceberg/x.ts", "core/iceberg/mod.ts", false],
      ["core/x.ts", "commands/x.ts", false],
      ["tests/x.ts", "tests/x_test.ts", false],
    ] as const
  ) {
    deepStrictEqual(found({ [path]: rule, [importer]: "used" }, path, importer), unused ? [`${path}: used`] : []);
  }
  deepStrictEqual(found({ "core/x.ts": `${rule}\nf(used);`, "tests/y.ts": "used" }, "core/x.ts", "tests/y.ts"), []);
  deepStrictEqual(found({ "core/x.ts": `${rule}\n// used`, "tests/y.ts": "used" }, "core/x.ts", "tests/y.ts"), [
    "core/x.ts: used",
  ]);
});
