/**
 * argv → the texts of a command's flags. Strict: an unknown flag, a missing value, a value where none belongs, a flag given
 * twice and an argument too many are all refused by name. (@std/cli/parse-args and node:util guess in these cases.)
 */
import { StreamlabError } from "../core/base/errors.ts";
import type { Command } from "./command.ts";
import { everywhereFlags, type FlagSchema, flagsOf, type NamedFlag } from "./flags.ts";
import { nearest } from "./nearest.ts";

/** A flag's text and where it was written, for messages: `--rate`, `STREAMLAB_RATE`, `"rate" in streamlab.json`. */
export interface GivenText {
  text: string;
  source: string;
}

/** By key of the schema. */
export type GivenTexts = Map<string, GivenText>;

export interface SplitCommandLine {
  /** Undefined when argv names none. */
  name: string | undefined;
  /** Everything but the name. */
  args: string[];
}

/** Finds the subcommand's name: the first argument that is no flag; flags that every command has may stand before it. */
export function splitCommandLine(argv: readonly string[]): SplitCommandLine {
  const valued = flagsOf(everywhereFlags).flags.filter(({ meta }) => !meta.isSwitch).map(({ name }) => `--${name}`);
  let at = 0;
  while (at < argv.length && argv[at]!.startsWith("-") && argv[at] !== "--") at += valued.includes(argv[at]!) ? 2 : 1;
  return { name: argv[at], args: [...argv.slice(0, at), ...argv.slice(at + 1)] };
}

/** `--help` or `-h` anywhere before `--`. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some((arg) => arg === "--help" || arg === "-h");
}

/** The texts given for the command's flags, positional arguments and the flags every command has. */
export function parseArguments(command: Command, args: readonly string[]): GivenTexts {
  const schemas: FlagSchema[] = [command.flags, everywhereFlags];
  const flags = schemas.flatMap((schema) => flagsOf(schema).flags);
  const { positions } = flagsOf(command.flags);
  const given: GivenTexts = new Map();
  const words: string[] = [];
  const rest = [...args];
  while (rest.length > 0) {
    const arg = rest.shift()!;
    if (arg === "--") words.push(...rest.splice(0));
    else if (looksLikeFlag(arg)) takeFlag(command, flags, arg, rest, given);
    else words.push(arg);
  }
  for (const [index, word] of words.entries()) {
    const position = positions[index];
    if (position === undefined) {
      throw usage(
        command,
        `unexpected argument "${word}" for ${command.name}`,
        positions.length === 0 ? "" : "put quotes around an argument with spaces",
      );
    }
    given.set(position.key, { text: word, source: position.meta.placeholder });
  }
  return given;
}

/** `-5`, `-` alone and SQL that starts with a comment (`-- all of it\nselect …`) are arguments, not flags. */
function looksLikeFlag(arg: string): boolean {
  return /^--?[A-Za-z][^\s=]*(=|$)/.test(arg);
}

function takeFlag(command: Command, flags: NamedFlag[], arg: string, rest: string[], given: GivenTexts): void {
  const equals = arg.indexOf("=");
  const written = equals < 0 ? arg : arg.slice(0, equals);
  const inline = equals < 0 ? undefined : arg.slice(equals + 1);
  const found = findFlag(flags, written);
  if (found === undefined) throw unknownFlag(command, flags, written);
  const { flag, negated } = found;
  if (negated && inline !== undefined) throw usage(command, `${written} takes no value`);
  const before = given.get(flag.key);
  if (before !== undefined && !flag.meta.isList) throw usage(command, `${written} is given twice`);
  const text = flag.meta.isSwitch
    ? negated ? "false" : inline ?? "true"
    : inline ?? takeValue(command, written, flag, rest);
  given.set(flag.key, { text: before === undefined ? text : `${before.text},${text}`, source: written });
}

function takeValue(command: Command, written: string, flag: NamedFlag, rest: string[]): string {
  const value = rest[0];
  if (value === undefined || looksLikeFlag(value)) {
    const example = `${written} ${flag.meta.default ?? flag.meta.placeholder}`;
    throw usage(command, `${written} needs a value`, `write ${example}`);
  }
  return rest.shift()!;
}

function findFlag(flags: NamedFlag[], written: string): { flag: NamedFlag; negated: boolean } | undefined {
  if (!written.startsWith("--")) {
    const flag = flags.find(({ meta }) => meta.short !== undefined && written === `-${meta.short}`);
    return flag && { flag, negated: false };
  }
  const name = written.slice(2);
  const exact = flags.find((flag) => flag.name === name);
  if (exact !== undefined) return { flag: exact, negated: false };
  const switched = flags.find((flag) => flag.meta.isSwitch && `no-${flag.name}` === name);
  return switched && { flag: switched, negated: true };
}

function unknownFlag(command: Command, flags: NamedFlag[], written: string): StreamlabError {
  const names = flags.flatMap(({ name, meta }) => meta.isSwitch ? [`--${name}`, `--no-${name}`] : [`--${name}`]);
  const near = nearest(written.length === 2 ? `-${written}` : written, [...names, "--help"]);
  return usage(command, `unknown flag ${written} for ${command.name}`, near && `did you mean ${near}?`);
}

/** A usage error whose hint ends with where to read more. */
export function usage(command: Command, message: string, hint?: string): StreamlabError {
  const more = `streamlab ${command.name} --help shows all flags`;
  return new StreamlabError("usage", message, {
    hint: hint ? `${hint}${hint.endsWith("?") ? "" : ";"} ${more}` : more,
  });
}
