/**
 * The values of a command's flags: flags win over `STREAMLAB_*` variables, those over
 * `streamlab.json`, that over defaults.
 *
 * `STREAMLAB_QUERY_FORMAT` is for `query` alone and wins over `STREAMLAB_FORMAT`, which is for
 * every command that has `--format`. In `streamlab.json` a top-level key is a flag for every
 * command that has it, and an object under a command's name holds flags for it alone, which win: `{
 * "source": "s3", "query": { "format": "csv" } }`.
 */
import * as z from "zod";
import { messageOf, StreamlabError } from "../../core/base/errors.ts";
import { type Command, type Context, loadCommands } from "./command.ts";
import { type GivenTexts, parseArguments, usage } from "./command_line.ts";
import { everywhereFlags, type FlagSchema, flagsOf, type NamedFlag } from "./flags.ts";
import { nearest } from "./nearest.ts";
import { resolve } from "node:path";

/** What configuring needs of the context; `json` and `debug` are not known yet. */
export type ConfigurationSource = Pick<Context, "env" | "cwd" | "commands"> & {
  /** A file's text; undefined when there is none. */
  readText(path: string): Promise<string | undefined>;
  /** Why another user could have written a file; undefined if none could. */
  foreignHand(path: string): string | undefined;
};

export interface Configured {
  /** Keys of the flags that stand on the command line. */
  typed: ReadonlySet<string>;
  everywhere: z.output<typeof everywhereFlags>;
  /** The command's own, apart: what is wrong with one is told as the others ask. */
  checkFlags(): Record<string, unknown>;
}

export async function configure(
  command: Command,
  args: readonly string[],
  around: ConfigurationSource,
): Promise<Configured> {
  const given = parseArguments(command, args);
  const typed = new Set(given.keys());
  const schemas: FlagSchema[] = [everywhereFlags, command.flags];
  const flags = schemas.flatMap((schema) => flagsOf(schema).flags);
  addVariables(given, command, flags, around);
  await addFile(given, command, flags, around);
  return {
    typed,
    everywhere: check(command, everywhereFlags, given) as Configured["everywhere"],
    checkFlags: () => check(command, command.flags, given),
  };
}

export function variableName(flag: string, command?: string): string {
  const name = command === undefined ? flag : `${command}-${flag}`;
  return `STREAMLAB_${name.replaceAll("-", "_").toUpperCase()}`;
}

function addVariables(given: GivenTexts, command: Command, flags: NamedFlag[], around: ConfigurationSource): void {
  for (const { key, name } of flags) {
    if (given.has(key)) continue;
    for (const variable of [variableName(name, command.name), variableName(name)]) {
      const text = around.env(variable);
      // An empty variable counts as unset: shells and compose files disable one that way.
      if (text === undefined || text === "" || given.has(key)) continue;
      given.set(key, { text, source: variable });
    }
  }
}

async function addFile(
  given: GivenTexts,
  command: Command,
  flags: NamedFlag[],
  around: ConfigurationSource,
): Promise<void> {
  const named = given.get("config")?.text;
  const path = named ?? "streamlab.json";
  const text = await around.readText(resolve(around.cwd, path));
  if (text === undefined) {
    if (named !== undefined) throw new StreamlabError("usage", `there is no configuration file ${path}`);
    return;
  }
  if (named === undefined) refuseForeign(resolve(around.cwd, path), around);
  const settings = parseFile(text, path, await loadCommands(around.commands));
  const mine = settings[command.name];
  for (const source of [isObject(mine) ? mine : {}, settings]) {
    for (const { key, name } of flags) {
      const value = source[name];
      if (value === undefined || given.has(key)) continue;
      given.set(key, { text: settingText(value, name, path), source: `"${name}" in ${path}` });
    }
  }
}

/**
 * A file that was not asked for must be ours. In a shared folder another user's file could send our
 * events and credentials to their place.
 */
function refuseForeign(path: string, around: ConfigurationSource): void {
  const hand = around.foreignHand(path);
  if (hand === undefined) return;
  throw new StreamlabError("usage", `Cannot take settings from ${path}: ${hand}`, {
    hint: "Say that it is meant with --config streamlab.json, or run in another folder",
  });
}

function parseFile(text: string, path: string, commands: readonly Command[]): Record<string, unknown> {
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch (cause) {
    throw new StreamlabError("usage", `${path} is not JSON: ${messageOf(cause)}`, { cause });
  }
  if (!isObject(settings)) throw new StreamlabError("usage", `${path} holds no JSON object`);
  const everywhere = flagsOf(everywhereFlags).flags.map(({ name }) => name).filter((name) => name !== "config");
  const byCommand = new Map(commands.map((each) => [each.name, flagsOf(each.flags).flags.map(({ name }) => name)]));
  const anywhere = [...everywhere, ...[...byCommand.values()].flat()];
  refuseUnknown(Object.keys(settings), [...anywhere, ...byCommand.keys()], path);
  for (const [name, flags] of byCommand) {
    const section = settings[name];
    if (section === undefined) continue;
    if (!isObject(section)) throw new StreamlabError("usage", `"${name}" in ${path} is no object`);
    refuseUnknown(Object.keys(section), [...everywhere, ...flags], path);
  }
  return settings;
}

function refuseUnknown(keys: string[], known: string[], path: string): void {
  for (const key of keys) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    throw new StreamlabError(
      "usage",
      `unknown setting "${key}" in ${path}`,
      near ? { hint: `did you mean "${near}"?` } : {},
    );
  }
}

function settingText(value: unknown, name: string, path: string): string {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(",");
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
  throw new StreamlabError("usage", `"${name}" in ${path} is neither text, number, true, false nor a list of texts`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function check(command: Command, schema: FlagSchema, given: GivenTexts): Record<string, unknown> {
  const { flags, positions } = flagsOf(schema);
  const named = [...flags, ...positions];
  const texts = Object.fromEntries(named.flatMap(({ key }) => given.has(key) ? [[key, given.get(key)!.text]] : []));
  const result = schema.safeParse(texts);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const { key, name, meta } = named.find(({ key }) => key === issue.path[0])!;
  const source = given.get(key)?.source;
  if (source !== undefined) {
    throw usage(command, `${source}: ${issue.message}`, nearestChoice(given.get(key)!.text, meta.choices));
  }
  throw usage(command, meta.position === undefined ? `--${name} is missing` : `${meta.placeholder} is missing`);
}

function nearestChoice(text: string, choices: readonly string[]): string | undefined {
  const near = nearest(text, choices);
  return near && `did you mean ${near}?`;
}
