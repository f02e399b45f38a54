import * as z from "zod";
import { StreamlabError } from "../../core/base/errors.ts";
import { type Command, defineCommand, type ListedCommand, loadCommands } from "./command.ts";
import { variableName } from "./configuration.ts";
import { EXIT_STATUSES } from "./exit_status.ts";
import { everywhereFlags, flag, flagsOf, type NamedFlag } from "./flags.ts";
import { nearest } from "./nearest.ts";

const WIDTH_MAX = 100;

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
  async run({ stdout, commands }, { command }) {
    await stdout.write(
      command === undefined
        ? programHelp(await loadCommands(commands))
        : commandHelp(await findCommand(commands, command).load()),
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

export function programHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "Turn event files into Apache Iceberg tables, each event exactly once, and maintain the tables.",
    "",
    "USAGE",
    "  streamlab COMMAND [flags]",
    "",
    "COMMANDS",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "FLAGS",
    ...flagLines(flagsOf(everywhereFlags).flags),
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
    ...exitStatusLines(),
    "",
  ].join("\n");
}

export function commandHelp(command: Command): string {
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
    ) => [...(index > 0 ? [""] : []), ...wrapped(paragraph)]),
    "",
    ...(positions.length === 0 ? [] : ["ARGUMENTS", ...flagLines(positions), ""]),
    ...sections.flatMap((section) => [
      (section ?? "flags").toUpperCase(),
      ...flagLines(flags.filter(({ meta }) => meta.section === section)),
      "",
    ]),
    "EVERYWHERE",
    ...flagLines(flagsOf(everywhereFlags).flags),
    "",
    "EXAMPLES",
    ...command.examples.flatMap(({ doc, line }) => [`  # ${doc}`, `  ${line}`]),
    "",
    ...(flags.length === 0 ? [] : settingLines(command, flags)),
    ...exitStatusLines(),
    "",
  ].join("\n");
}

function settingLines(command: Command, flags: NamedFlag[]): string[] {
  const example = flags[0]!.name;
  return [
    "SETTINGS",
    ...wrap(
      `Flags win over variables (${variableName(example)}, or ${
        variableName(example, command.name)
      } for this command alone), ` +
        `those over streamlab.json ({ "${example}": …, "${command.name}": { "${example}": … } }), that over defaults.`,
      WIDTH_MAX - 2,
    ).map((line) => `  ${line}`),
    "",
  ];
}

function exitStatusLines(): string[] {
  return ["EXIT STATUS", ...EXIT_STATUSES.map(({ status, means }) => `  ${String(status).padEnd(3)}  ${means}`)];
}

function flagLines(flags: NamedFlag[]): string[] {
  const names = flags.map(flagUsage);
  const column = Math.min(30, Math.max(...names.map((name) => name.length))) + 4;
  return flags.flatMap(({ meta }, index) => {
    const shown = meta.isSwitch || meta.default === undefined ? "" : ` (default ${meta.default})`;
    const [first, ...more] = wrap(`${meta.doc}${shown}`, WIDTH_MAX - column);
    const name = `  ${names[index]!}`;
    const head = name.length > column - 2 ? [name, " ".repeat(column) + first] : [name.padEnd(column) + first];
    return [...head, ...more.map((line) => " ".repeat(column) + line)];
  });
}

/** `-f, --file FILE`; a switch that is on by default is shown in its negative form. */
function flagUsage({ name, meta }: NamedFlag): string {
  if (meta.position !== undefined) return meta.placeholder;
  if (meta.isSwitch) return meta.default === "true" ? `--no-${name}` : `--${name}`;
  return `${meta.short === undefined ? "" : `-${meta.short}, `}--${name} ${meta.placeholder}`;
}

/** A paragraph, filled; one that is set in (an example, a table) stays as it is. */
function wrapped(paragraph: string): string[] {
  return /^ /m.test(paragraph) ? paragraph.split("\n") : wrap(paragraph.replaceAll("\n", " "), WIDTH_MAX);
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
