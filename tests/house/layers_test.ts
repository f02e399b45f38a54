import { deepStrictEqual } from "node:assert/strict";
import { importers, layers, publicSubfolders, topLevel, unreached } from "./rules.ts";
import { type Edge, importEdges, readSource, repositoryFiles, sourceFiles } from "./source_tree.ts";

const edges = await importEdges();
const sources = await sourceFiles();

/** The folder of `layers` that holds a file. */
function layerOf(path: string): string | undefined {
  const holders = Object.keys(layers).filter((layer) => isBelow(path, layer));
  return holders.sort((a, b) => b.length - a.length)[0];
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function show({ from, to }: Edge): string {
  return `${from} imports ${to}`;
}

Deno.test("imports point down the layers, never sideways or up", () => {
  const wrong = edges.filter(({ from, to }) => {
    const layer = layerOf(from);
    if (layer === undefined || !sources.includes(to)) return false;
    return !isBelow(to, layer) && !layers[layer]!.some((allowed) => isBelow(to, allowed));
  });
  deepStrictEqual(wrong.map(show), []);
});

Deno.test("every file of core/ and commands/ belongs to a layer", () => {
  deepStrictEqual(sources.filter((path) => /^(core|commands)\//.test(path) && layerOf(path) === undefined), []);
});

Deno.test("a folder within a layer is reached from that layer only, unless it is public", () => {
  const wrong = edges.filter(({ from, to }) => {
    const layer = layerOf(to);
    if (layer === undefined || layerOf(from) === undefined || isBelow(from, layer)) return false;
    const folder = to.slice(0, to.lastIndexOf("/"));
    return folder !== layer && layer !== "main.ts" && !publicSubfolders.some((open) => isBelow(to, open));
  });
  deepStrictEqual(wrong.map(show), []);
});

Deno.test("no imports go round in a circle, types included", () => {
  deepStrictEqual(circles(edges.filter(({ from, to }) => sources.includes(to) && !isBelow(from, "tests"))), []);
});

Deno.test("the search for circles finds one", () => {
  const edge = (from: string, to: string): Edge => ({ from, to });
  deepStrictEqual(circles([edge("a", "b"), edge("b", "c"), edge("c", "b"), edge("a", "c")]), ["b → c → b"]);
});

Deno.test("each package has one importer", () => {
  const wrong = edges.filter(({ from, to }) => {
    const name = Object.keys(importers).find((known) => to === known || to.startsWith(`${known}/`));
    if (name === undefined || importers[name]!.some((start) => from.startsWith(start))) return false;
    const isOfTests = importers[name]!.every((start) => start.startsWith("tests/"));
    return isOfTests || !/^(tests|bench|tools)\//.test(from);
  });
  deepStrictEqual(wrong.map(show), []);
});

Deno.test("only Deno's own, Node's, and the packages of deno.json are imported", async () => {
  const { imports } = JSON.parse(await readSource("deno.json")) as { imports: Record<string, string> };
  const files = await repositoryFiles();
  const isPackage = (to: string) => Object.keys(imports).some((name) => to === name || to.startsWith(`${name}/`));
  const wrong = edges.filter(({ to }) => !files.includes(to) && !to.startsWith("node:") && !isPackage(to));
  deepStrictEqual(wrong.map(show), []);
});

Deno.test("every file of core/ and commands/ is reached from main.ts, or is part of the Iceberg package", () => {
  const seen = new Set<string>();
  // The last is what reader.wasm is made of.
  const waiting = ["main.ts", "core/iceberg/mod.ts", "core/routing/assembly/index.ts"];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    waiting.push(...edges.filter(({ from }) => from === path).map(({ to }) => to));
  }
  const dead = sources.filter((path) => /^(core|commands)\//.test(path) && !seen.has(path) && !(path in unreached));
  deepStrictEqual(dead, []);
});

Deno.test("the top of the repository holds what rules.ts names and nothing else", async () => {
  const names = new Set((await repositoryFiles()).map((path) => path.split("/", 1)[0]!));
  deepStrictEqual([...names].filter((name) => !topLevel.includes(name)), []);
  deepStrictEqual(topLevel.filter((name) => !names.has(name)), []);
});

/** One for each edge that leads back to a file on the way to it. */
function circles(edges: Edge[]): string[] {
  const next = Map.groupBy(edges, ({ from }) => from);
  const done = new Set<string>(), found: string[] = [];
  const walk = (path: string, way: string[]) => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path].join(" → "));
    if (done.has(path)) return;
    done.add(path);
    for (const { to } of next.get(path) ?? []) walk(to, [...way, path]);
  };
  for (const path of next.keys()) walk(path, []);
  return found;
}
