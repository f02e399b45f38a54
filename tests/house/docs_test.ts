import { deepStrictEqual, ok } from "node:assert/strict";
import { leftOut } from "../support/compatibility_kit.ts";
import { proseWidthMax } from "./rules.ts";
import { readSource, repositoryFiles } from "./source_tree.ts";

const files = await repositoryFiles();
const documents = new Map<string, string>();
for (const path of files) if (path.endsWith(".md")) documents.set(path, await readSource(path));
const { tasks } = JSON.parse(await readSource("deno.json")) as { tasks: Record<string, unknown> };

interface Link {
  /** The document that it stands in. */
  from: string;
  target: string;
}

function linksOf(from: string, text: string): Link[] {
  const plain = text.replaceAll(/^(```|~~~).*?^\1/gms, "").replaceAll(/`[^`\n]*`/g, "");
  return [...plain.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => ({ from, target: target! }))
    .filter(({ target }) => !/^[a-z]+:/.test(target));
}

/** What is wrong with a link between documents, or undefined. */
function brokenLink({ from, target }: Link): string | undefined {
  const [path = "", anchor] = target.split("#", 2);
  const base = new URL(from, "file:///");
  const place = path === "" ? from : decodeURIComponent(new URL(path, base).pathname.slice(1)).replace(/\/$/, "");
  if (!files.includes(place) && !files.some((file) => file.startsWith(`${place}/`))) return `${from}: ${target}`;
  if (anchor === undefined || !documents.has(place)) return undefined;
  return anchorsOf(documents.get(place)!).has(anchor) ? undefined : `${from}: ${target} (no such heading)`;
}

/** The anchors of its headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of text.replaceAll(/^(```|~~~).*?^\1/gms, "").matchAll(/^#+ +(.*?) *$/gm)) {
    const plain = heading!.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
    let anchor = plain;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${plain}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

Deno.test("whatever a document links to is there, headings too", () => {
  const links = [...documents].flatMap(([path, text]) => linksOf(path, text));
  ok(links.length > 50, `${links.length} links`);
  deepStrictEqual(links.flatMap((link) => brokenLink(link) ?? []), []);
});

Deno.test("the search for broken links finds some", () => {
  const text = "# A `b`: c\n[a](README.md) [b](docs/none.md) `[c](none)` [d](README.md#no-such) [e](https://x)";
  deepStrictEqual(linksOf("ARCHITECTURE.md", text).flatMap((link) => brokenLink(link) ?? []), [
    "ARCHITECTURE.md: docs/none.md",
    "ARCHITECTURE.md: README.md#no-such (no such heading)",
  ]);
  deepStrictEqual([...anchorsOf(text)], ["a-b-c"]);
});

Deno.test("the index of the documentation names every page", () => {
  const named = linksOf("docs/README.md", documents.get("docs/README.md")!).map(({ target }) => target);
  const pages = [...documents.keys()].flatMap((path) => /^docs\/([^/]+\.md)$/.exec(path)?.[1] ?? []);
  deepStrictEqual(pages.filter((page) => page !== "README.md" && !named.includes(page)), []);
});

Deno.test("decisions are numbered from 0 on without gaps, and each begins with its number", () => {
  const decisions = [...documents.keys()].filter((path) => path.startsWith("docs/decisions/")).sort();
  const numbers = decisions.map((path) => Number(/\/(\d{4})-[^/]+\.md$/.exec(path)?.[1]));
  deepStrictEqual(numbers, [...numbers.keys()]);
  const wrong = decisions.filter((path, n) => !documents.get(path)!.startsWith(`# ${n === 0 ? "N" : n}. `));
  deepStrictEqual(wrong, []);
});

/** Lines of prose, by number: neither tables nor code, whose lines cannot be broken. */
function proseOf(text: string): [number, string][] {
  let isCode = false;
  return text.split("\n").flatMap((line, index): [number, string][] => {
    const isFence = /^(```|~~~)/.test(line);
    if (isFence) isCode = !isCode;
    return isFence || isCode || line.startsWith("|") ? [] : [[index + 1, line]];
  });
}

Deno.test("the prose of a document is within 100 columns", () => {
  const long = [...documents].flatMap(([path, text]) =>
    proseOf(text).filter(([, line]) => [...line].length > proseWidthMax).map(([at]) => `${path}:${at}`)
  );
  deepStrictEqual(long, []);
});

/** Paths of the repository in code marks: `core/base/meter.ts`, `commands/line/`. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/`((?:core|commands|tests|bench|tools|docs)\/[\w./-]*|\w+\.ts)`/g)].map(([, path]) => path!);
}

function isThere(path: string): boolean {
  const bare = path.replace(/\/$/, "");
  return files.some((file) => file === bare || file.startsWith(`${bare}/`));
}

Deno.test("files and folders that a document names are there", () => {
  const wrong = [...documents].flatMap(([path, text]) =>
    pathsIn(text).filter((named) => named.includes("/") || path === "ARCHITECTURE.md")
      .filter((named) => !isThere(named)).map((named) => `${path}: ${named}`)
  );
  deepStrictEqual(wrong, []);
});

Deno.test("each step of an event's way names its files", () => {
  const text = documents.get("ARCHITECTURE.md")!;
  const way = text.slice(text.indexOf("## An event's way"), text.indexOf("## Seams"));
  const steps = way.split(/^\d+\. /m).slice(1);
  ok(steps.length === 9, `${steps.length} steps`);
  for (const step of steps) ok(pathsIn(step).some((path) => path.endsWith(".ts")), step);
});

Deno.test("the search for named files finds those that are not there", () => {
  const named = pathsIn(
    "`core/base/meter.ts`, `core/base/none.ts`, `core/none/`, `core/base/`, `raw/events/x.json`, `a.ts`",
  );
  deepStrictEqual(named.filter((path) => !isThere(path)), ["core/base/none.ts", "core/none/", "a.ts"]);
});

Deno.test("tasks that a document names exist", () => {
  const named = [...documents].flatMap(([path, text]) =>
    [...text.matchAll(/(?:deno|deno@[\d.]+) task ([a-z][\w:]*)/g)].map(([, name]) => ({ path, name: name! }))
  );
  ok(named.length > 10);
  deepStrictEqual(named.filter(({ name }) => !(name in tasks)), []);
});

Deno.test("docs/serve.md names each test of the compatibility kit that the server leaves out, and no other", () => {
  const named = [...documents.get("docs/serve.md")!.matchAll(/^\| [^|]+ \| (`test.*|`[a-z]+[A-Z].*) \|$/gm)]
    .flatMap(([, names]) => [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!));
  deepStrictEqual(named.sort(), Object.values(leftOut).flat().sort());
});
