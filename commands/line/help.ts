import * as z from "zod";
import { StreamlabError } from "../../core/base/errors.ts";
import { type Command, type Context, defineCommand, type ListedCommand, loadCommands } from "./command.ts";
import { variableName } from "./configuration.ts";
import { EXIT_STATUSES } from "./exit_status.ts";
import { everywhereFlags, flag, flagsOf, type NamedFlag } from "./flags.ts";
import { nearest } from "./nearest.ts";

const WIDTH_MAX = 100, WIDTH_MIN = 60;

/** Help goes to a terminal in lines that fit it, elsewhere in those of the documentation. */
export function helpWidth({ isTerminal, terminalSize }: Pick<Context, "isTerminal" | "terminalSize">): number {
  if (!isTerminal.stdout) return WIDTH_MAX;
  return Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, terminalSize().columns));
}

export const help = defineCommand({
  name: "help",
  summary: "Explain streamlab or one of its commands",
  description: "The same as `streamlab --help` and `streamlab COMMAND --help`.",
  examples: [
    { doc: "list the commands", line: "streamlab help" },
    { doc: "all about one command", line: "streamlab help query" },
    { doc: "the same", line: "streamlab query --help" },
  ],
  flags: z.object({ command: flag.text({ doc: "the command to explain", placeholder: "COMMAND", position: 0 }) }),
  async run(context, { command }) {
    const { stdout, commands } = context;
    const width = helpWidth(context);
    await stdout.write(
      command === undefined
        ? programHelp(await loadCommands(commands), width)
        : commandHelp(await findCommand(commands, command).load(), width),
    );
    return 0;
  },
});

export function findCommand(commands: readonly ListedCommand[], name: string): ListedCommand {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  if (name === "version") {
    throw new StreamlabError("usage", `unknown command "version"`, { hint: "streamlab --version prints it" });
  }
  const near = nearest(name, commands.map((command) => command.name));
  const all = "streamlab --help lists the commands";
  throw new StreamlabError("usage", `unknown command "${name}"`, { hint: near ? `did you mean ${near}? ${all}` : all });
}

export function programHelp(commands: readonly Command[], lineWidth = WIDTH_MAX): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    ...wrap(
      "Turn event files into Apache Iceberg tables, each event exactly once, and maintain the tables.",
      lineWidth,
    ),
    "",
    "USAGE",
    "  streamlab COMMAND [flags]",
    "",
    "COMMANDS",
    ...commands.flatMap(({ name, summary }) => hanging(`  ${name.padEnd(width)}  `, summary, lineWidth)),
    "",
    "FLAGS",
    ...flagLines(flagsOf(everywhereFlags).flags, lineWidth),
    "  -h, --help     explain a command",
    "  --version      print the version",
    "",
    "EXAMPLES",
    "  # write 20 files of events, some of them broken on purpose, into ./lake",
    "  streamlab produce --sink local --batches 20 --dirty",
    "  # ingest what is there",
    "  streamlab consume --source local --once",
    "  # ask",
    '  streamlab query "select event_type, count(*) from bronze.events group by all"',
    "",
    ...exitStatusLines(lineWidth),
    "",
  ].join("\n");
}

export function commandHelp(command: Command, width = WIDTH_MAX): string {
  const { flags, positions } = flagsOf(command.flags);
  const usage = [
    "  streamlab",
    command.name,
    ...positions.map(({ meta }) => meta.required ? meta.placeholder : `[${meta.placeholder}]`),
  ];
  const sections = [...new Set(flags.map(({ meta }) => meta.section))];
  return [
    `${command.summary}.`,
    "",
    "USAGE",
    `${usage.join(" ")} [flags]`,
    "",
    ...command.description.split("\n\n").flatMap((
      paragraph,
      index,
    ) => [...(index > 0 ? [""] : []), ...wrapped(paragraph, width)]),
    "",
    ...(positions.length === 0 ? [] : ["ARGUMENTS", ...flagLines(positions, width), ""]),
    ...sections.flatMap((section) => [
      (section ?? "flags").toUpperCase(),
      ...flagLines(flags.filter(({ meta }) => meta.section === section), width),
      "",
    ]),
    "EVERYWHERE",
    ...flagLines(flagsOf(everywhereFlags).flags, width),
    "",
    "EXAMPLES",
    ...command.examples.flatMap(({ doc, line }) => [`  # ${doc}`, `  ${line}`]),
    "",
    ...(flags.length === 0 ? [] : settingLines(command, flags, width)),
    ...exitStatusLines(width),
    "",
  ].join("\n");
}

function settingLines(command: Command, flags: NamedFlag[], width: number): string[] {
  const example = flags[0]!.name;
  return [
    "SETTINGS",
    ...wrap(
      `Flags win over variables (${variableName(example)}, or ${
        variableName(example, command.name)
      } for this command alone), ` +
        `those over streamlab.json ({ "${example}": …, "${command.name}": { "${example}": … } }), that over defaults.`,
      width - 2,
    ).map((line) => `  ${line}`),
    "",
  ];
}

function exitStatusLines(width: number): string[] {
  return [
    "EXIT STATUS",
    ...EXIT_STATUSES.flatMap(({ status, means }) => hanging(`  ${String(status).padEnd(3)}  `, means, width)),
  ];
}

function flagLines(flags: NamedFlag[], width: number): string[] {
  const names = flags.map(flagUsage);
  const column = Math.min(30, Math.max(...names.map((name) => name.length))) + 4;
  return flags.flatMap(({ meta }, index) => {
    const shown = meta.isSwitch || meta.default === undefined ? "" : ` (default ${meta.default})`;
    const name = `  ${names[index]!}`;
    const isLong = name.length > column - 2;
    return [
      ...(isLong ? [name] : []),
      ...hanging((isLong ? "" : name).padEnd(column), `${meta.doc}${shown}`, width),
    ];
  });
}

/** `-f, --file FILE`; a switch that is on by default is shown in its negative form. */
function flagUsage({ name, meta }: NamedFlag): string {
  if (meta.position !== undefined) return meta.placeholder;
  if (meta.isSwitch) return meta.default === "true" ? `--no-${name}` : `--${name}`;
  return `${meta.short === undefined ? "" : `-${meta.short}, `}--${name} ${meta.placeholder}`;
}

/** A paragraph, filled; one that is set in (an example, a table) stays as it is. */
function wrapped(paragraph: string, width: number): string[] {
  return /^ /m.test(paragraph) ? paragraph.split("\n") : wrap(paragraph.replaceAll("\n", " "), width);
}

/** A text behind its head, and below it where it is long. */
function hanging(head: string, text: string, width: number): string[] {
  const [first, ...more] = wrap(text, width - head.length);
  return [head + first, ...more.map((line) => " ".repeat(head.length) + line)];
}

/** Lines of at most `width` characters. */
function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines[lines.length - 1]!;
    if (last === "") lines[lines.length - 1] = word;
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
