/** argv → one command → its exit status. Prints errors; never exits: that is main.ts's. */
import { StreamlabError } from "../../core/base/errors.ts";
import { type Context, type ExitStatus, type ListedCommand, loadCommands } from "./command.ts";
import { asksForHelp, splitCommandLine } from "./command_line.ts";
import { type ConfigurationSource, configure, variableName } from "./configuration.ts";
import { type FlagSchema, flagsOf } from "./flags.ts";
import { reportError, SECRET_VARIABLES } from "./errors.ts";
import { commandHelp, findCommand, helpWidth, programHelp } from "./help.ts";
import { nearest } from "./nearest.ts";
import { jsonLine } from "./output.ts";
import { stringifyJson } from "../../core/base/json.ts";
import denoJson from "../../deno.json" with { type: "json" };

/** Without loading it. */
const [DUCKDB_VERSION] = /[\d.]+(?=-r)/.exec(denoJson.imports["@duckdb/node-api"])!;

/** A context before its flags are known. */
export type World =
  & Omit<Context, "json" | "jsonMessages" | "debug" | "typed">
  & Pick<ConfigurationSource, "readText" | "foreignHand">;

/**
 * `hidden` commands are run like the others, and shown nowhere. `stray` rejects with an uncaught
 * error; the runtime would print it with its secrets and escape sequences.
 */
export async function runProgram(
  argv: readonly string[],
  world: World,
  hidden: readonly ListedCommand[] = [],
  stray: Promise<never> = new Promise(() => {}),
): Promise<ExitStatus> {
  const reporting: Reporting = {
    debug: argv.includes("--debug"),
    json: seemsJson(argv, world),
    secrets: secretsIn(world),
  };
  try {
    return await Promise.race([dispatch(argv, world, reporting, hidden), stray]);
  } catch (error) {
    const report = reportError(error, reporting);
    const text = report.text !== "" && reporting.json ? `${jsonLine(world, report.record)}\n` : report.text;
    if (text !== "") await world.stderr.write(text).catch(() => {});
    return report.status;
  }
}

/** How errors are told, as far as is known yet. */
interface Reporting {
  debug: boolean;
  json: boolean;
  secrets: string[];
}

/** Whether messages are to be JSON, as arguments and variables look before they are checked. */
function seemsJson(argv: readonly string[], { env }: Pick<World, "env">): boolean {
  const { name } = splitCommandLine(argv);
  const variable = (flag: string) => env(variableName(flag, name)) || env(variableName(flag));
  const given = /(?:^|\0)--log-format[=\0](text|json)(?:\0|$)/.exec(argv.join("\0"))?.[1];
  const format = given ?? (variable("log-format") || undefined);
  return format === undefined
    ? argv.includes("--json") || /^(true|1)$/.test(variable("json") ?? "")
    : format === "json";
}

/** The secrets of the environment, which no message may hold. */
export function secretsIn({ env }: Pick<World, "env">): string[] {
  return SECRET_VARIABLES.flatMap((name) => env(name) ?? []);
}

async function dispatch(
  argv: readonly string[],
  world: World,
  reporting: Reporting,
  hidden: readonly ListedCommand[],
): Promise<ExitStatus> {
  const { name, args } = splitCommandLine(argv);
  if (name === undefined) return await runWithoutCommand(argv, world);
  const command = await (hidden.find((each) => each.name === name) ?? findCommand(world.commands, name)).load();
  if (asksForHelp(args)) {
    await world.stdout.write(commandHelp(command, helpWidth(world)));
    return 0;
  }
  const { typed, everywhere, checkFlags } = await configure(command, args, world);
  const { json, debug } = everywhere;
  const jsonMessages = everywhere.logFormat === undefined ? json : everywhere.logFormat === "json";
  reporting.debug = debug;
  reporting.json = jsonMessages;
  const flags = checkFlags();
  reporting.secrets.push(...secretsOf(command.flags, flags));
  const context: Context = { ...world, json, jsonMessages, debug, typed };
  return await command.run(context, flags);
}

/** Of `id:secret` the secret alone, too. */
function secretsOf(schema: FlagSchema, values: Record<string, unknown>): string[] {
  const given = flagsOf(schema).flags.filter(({ key, meta }) => meta.isSecret && values[key] !== undefined);
  return given.map(({ key }) => String(values[key])).flatMap((text) => [text, text.slice(text.indexOf(":") + 1)]);
}

async function runWithoutCommand(argv: readonly string[], world: World): Promise<ExitStatus> {
  if (argv.includes("--version")) {
    const versions = { version: denoJson.version, deno: Deno.version.deno, duckdb: DUCKDB_VERSION! };
    await world.stdout.write(
      argv.includes("--json") ? `${stringifyJson(versions)}\n` : `streamlab ${denoJson.version}\n`,
    );
    return 0;
  }
  const known = ["--help", "-h", "--version", "--json", "--debug"];
  const unknown = argv.find((arg) => !known.includes(arg));
  if (unknown !== undefined) {
    const near = unknown.toLowerCase() === "-v" ? "--version" : nearest(unknown, known);
    const hint = near === undefined ? "streamlab --help lists the commands" : `did you mean ${near}?`;
    throw new StreamlabError("usage", `unknown flag ${unknown}`, { hint });
  }
  await (asksForHelp(argv) ? world.stdout : world.stderr).write(
    programHelp(await loadCommands(world.commands), helpWidth(world)),
  );
  return asksForHelp(argv) ? 0 : 2;
}
