import { z } from "zod";
import { type Command, defineCommand, OutputClosed } from "../../commands/line/command.ts";
import { flag } from "../../commands/line/flags.ts";
import { printNote, printResult } from "../../commands/line/output.ts";
import { type ErrorKind, StreamlabError } from "../../core/base/errors.ts";

/** A command with a flag of every kind; prints what it was given. */
const paint = defineCommand({
  name: "paint",
  summary: "Paint a thing",
  description: "Paints, in layers.\n\n  a table of its own\n\nDries.",
  examples: [
    { doc: "a wall", line: "streamlab paint wall" },
    { doc: "twice", line: "streamlab paint wall --layers 2" },
    { doc: "try", line: "streamlab paint wall --dry-run" },
  ],
  flags: z.object({
    thing: flag.text({ doc: "what to paint", placeholder: "THING", position: 0, required: true }),
    layers: flag.count({ doc: "how many", default: "1", short: "l" }),
    drying: flag.duration({ doc: "pause between layers" }),
    size: flag.size({ doc: "how big" }),
    speed: flag.rate({ doc: "how fast" }),
    since: flag.time({ doc: "start" }),
    colourChance: flag.chance({ doc: "how likely a colour is", default: "0", section: "chances" }),
    layerId: flag.id({ doc: "which layer" }),
    table: flag.table({ doc: "where it is written down" }),
    sink: flag.lake({ doc: "where it goes", default: "local" }),
    colours: flag.list({ doc: "which, in a text that is long enough to need more than one line of the help page" }),
    finish: flag.choice(["matte", "gloss"], { doc: "how it shines", default: "matte" }),
    primer: flag.switch({ doc: "leave the primer out", default: "true" }),
    dryRun: flag.switch({ doc: "say what would be done" }),
  }),
  async run(context, flags) {
    const record = Object.fromEntries(
      Object.entries(flags).map((
        [key, value],
      ) => [key, typeof value === "object" ? JSON.stringify(value) : value ?? null]),
    );
    await printResult(context, record, Object.entries(record).map(([key, value]) => `${key}: ${value}`).join("\n"));
    await printNote(context, "painted");
    return 0;
  },
});

/** A command that fails in the way it is asked to. */
const fail = defineCommand({
  name: "fail",
  summary: "Fail",
  description: "Fails.",
  examples: [],
  flags: z.object({ as: flag.text({ doc: "kind of error", required: true }) }),
  run(_context, { as }) {
    if (as === "none") return Promise.resolve(0 as const);
    throw failure(as);
  },
});

function failure(as: string): Error {
  switch (as) {
    case "denied":
      return new Deno.errors.PermissionDenied("Permission denied (os error 13): open '/x'");
    case "full":
      return new Error("No space left on device (os error 28)");
    case "bug":
      return new TypeError("x is undefined");
    case "closed":
      return new OutputClosed("gone");
    case "secret":
      return new StreamlabError(
        "unavailable",
        "Cannot sign with wJalrXUtnFEMI for http://me:pass@host/x?X-Amz-Signature=ab12",
        {
          hint: "Authorization: Bearer abc.def",
        },
      );
    default:
      return new StreamlabError(as as ErrorKind, `Cannot do it: ${as}\nsecond line`, { hint: "do something else" });
  }
}

export const sampleCommands: Command[] = [paint, fail];
