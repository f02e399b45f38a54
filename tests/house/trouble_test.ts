import { deepStrictEqual, ok } from "node:assert/strict";
import { EXIT_STATUS_OF } from "../../commands/line/exit_status.ts";
import type { ErrorKind } from "../../core/base/errors.ts";
import { checkGolden } from "../support/golden.ts";
import { errorTemplates } from "../support/message_templates.ts";

/** Kinds in the order of the page; what a bug of ours says is for us. */
const SECTIONS: readonly [kind: ErrorKind, title: string, about: string][] = [
  ["usage", "Asked for what cannot be", "Nothing was done. The message names the flag, the file or the place in it."],
  ["not-found", "Not there", "What was named does not exist, or not where it was looked for."],
  ["conflict", "Somebody else was there", "Nothing is lost; run it again once what the message names has ended."],
  [
    "unavailable",
    "Refused from outside",
    "A disk, a network or a service said no. Run it again: what was done is kept.",
  ],
  ["corrupt", "Damaged", "Bytes are not what their format says. Nothing was written on top of them."],
  ["newer", "Left by a newer version", "Use that version, or a later one."],
  ["limit", "A limit that you have set", "What was ingested is committed."],
];

/** A message with nothing but what is filled in cannot be looked up. */
function saysSomething(text: string): boolean {
  return text.replace(/^Cannot/, "").replaceAll(/[^a-z]/gi, "").length >= 4;
}

function shown(pieces: readonly string[]): string {
  return pieces.join("…").trim().replaceAll(/\s+/g, " ").replaceAll("`", "'").replaceAll("|", "\\|");
}

interface Row {
  message: string;
  ways: string[];
}

/** Each message once, with all ways out that the code has for it. */
async function rowsByKind(): Promise<Map<ErrorKind, Row[]>> {
  const kinds = new Map<ErrorKind, Map<string, Set<string>>>();
  for (const { kind, messages, hints } of await errorTemplates()) {
    const rows = kinds.get(kind) ?? new Map<string, Set<string>>();
    kinds.set(kind, rows);
    for (const message of messages.map(shown).filter(saysSomething)) {
      const ways = rows.get(message) ?? new Set();
      rows.set(message, ways);
      for (const hint of hints.map(shown).filter((text) => text !== "…")) ways.add(hint);
    }
  }
  const compare = (a: Row, b: Row) => a.message < b.message ? -1 : 1;
  return new Map(
    [...kinds].map(([kind, rows]) => {
      return [kind, [...rows].map(([message, ways]) => ({ message, ways: [...ways] })).sort(compare)];
    }),
  );
}

Deno.test("docs/trouble.md has every error that the code can make, with its way out", async () => {
  const rows = await rowsByKind();
  const parts = [
    "# Trouble",
    [
      "What streamlab says when something is in the way, and what to do: made from the program's own",
      "code, with `…` for what it fills in. Each message comes as `streamlab: …` on standard error, its",
      "way out on the line below. `--debug` shows where it came from.",
    ].join("\n"),
  ];
  for (const [kind, title, about] of SECTIONS) {
    const lines = rows.get(kind)!.map(({ message, ways }) => `| \`${message}\` | ${ways.join(" · ")} |`);
    ok(lines.length > 0, kind);
    parts.push(
      `## ${title}`,
      `Exit status ${EXIT_STATUS_OF[kind]}. ${about}`,
      ["| message | what to do |", "| --- | --- |", ...lines].join("\n"),
    );
  }
  await checkGolden(new URL("../../docs/trouble.md", import.meta.url), `${parts.join("\n\n")}\n`);
});

Deno.test("every kind of error that code makes is on the page, or is for us or nobody", async () => {
  const forUs: ErrorKind[] = ["internal", "interrupted"];
  const known = [...SECTIONS.map(([kind]) => kind), ...forUs];
  deepStrictEqual([...(await rowsByKind()).keys()].filter((kind) => !known.includes(kind)), []);
});
