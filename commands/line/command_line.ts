/**
 * argv → the texts of a command's flags. @std/cli's parse-args splits argv but guesses. This makes
 * it strict: an unknown flag, a missing value, a value that does not belong, a repeated flag and a
 * surplus argument are refused by name.
 */
import { StreamlabError } from "../../core/base/errors.ts";
import type { Command } from "./command.ts";
import { everywhereFlags, type FlagSchema, flagsOf, type NamedFlag } from "./flags.ts";
import { nearest } from "./nearest.ts";
import { parseArgs, type ParsedArgs } from "./parse_args.ts";

/**
 * A flag's text and where it was written, for messages: `--rate`, `STREAMLAB_RATE`, `"rate" in
 * streamlab.json`.
 */
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

/**
 * Finds the subcommand's name: the first argument that is not a flag. Global flags may precede it.
 */
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

/**
 * Put before every value and word that a user wrote. A value that parse-args made up (an empty text
 * for a missing one) lacks it. And parse-args leaves marked texts alone: `-5`, `true` after a
 * switch, SQL that starts with a comment. No argument can contain it.
 */
const MARK = "\0";

/**
 * The texts given for the command's flags, positional arguments and the flags every command has.
 */
export function parseArguments(command: Command, args: readonly string[]): GivenTexts {
  const schemas: FlagSchema[] = [command.flags, everywhereFlags];
  const flags = schemas.flatMap((schema) => flagsOf(schema).flags);
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const names = flags.flatMap(namesOf);
  // parse-args takes any text after a switch's `=` for true, and `--no-x=true` for `--x`: such a
  // switch is read as a flag with a value.
  const isText = ({ written, isSwitch }: FlagName) => !isSwitch || own.some((arg) => arg.startsWith(`${written}=`));
  const { values, words, rest } = parseArgs([
    ...own.flatMap((arg) => spell(command, flags, arg)),
    ...args.slice(own.length),
  ], {
    string: names.filter(isText).map(({ name }) => name),
    boolean: names.filter((each) => !isText(each)).map(({ name }) => name),
    unknown: (arg, key) => {
      if (key !== undefined) throw unknownFlag(command, flags, arg);
    },
  });
  const given: GivenTexts = new Map();
  for (const flag of flags) takeFlag(command, flag, values, given);
  takeWords(command, [...words.map((word) => word.slice(MARK.length)), ...rest], given);
  return given;
}

/**
 * `-5`, `-` alone and SQL that starts with a comment (`-- all of it\nselect …`) are arguments, not
 * flags.
 */
function looksLikeFlag(arg: string): boolean {
  return /^--?[A-Za-z][^\s=]*(=|$)/.test(arg);
}

/** An argument as parse-args cannot mistake it. */
function spell(command: Command, flags: NamedFlag[], arg: string): string[] {
  if (!looksLikeFlag(arg)) return [MARK + arg];
  const equals = arg.indexOf("=");
  const written = equals < 0 ? arg : arg.slice(0, equals);
  // parse-args would read several flags of one letter.
  if (/^-[^-]./.test(written)) throw unknownFlag(command, flags, written);
  return equals < 0 ? [arg] : [written, MARK + arg.slice(equals + 1)];
}

interface FlagName {
  /** As parse-args knows it, without dashes. */
  name: string;
  written: string;
  isSwitch: boolean;
  isNegated: boolean;
}

/**
 * The spellings of a flag, each a flag of its own for parse-args. Its `alias` would hide which one
 * was written, and its `negatable` would let `--no-x` silently undo an earlier `--x`.
 */
function namesOf({ name, meta }: NamedFlag): FlagName[] {
  const { isSwitch } = meta;
  const names: FlagName[] = [{ name, written: `--${name}`, isSwitch, isNegated: false }];
  if (isSwitch) names.push({ name: `no-${name}`, written: `--no-${name}`, isSwitch, isNegated: true });
  if (meta.short !== undefined) names.push({ name: meta.short, written: `-${meta.short}`, isSwitch, isNegated: false });
  return names;
}

function takeFlag(command: Command, flag: NamedFlag, values: ParsedArgs["values"], given: GivenTexts): void {
  for (const { name, written, isNegated } of namesOf(flag)) {
    for (const value of values(name)) {
      const text = textOf(command, flag, written, value, isNegated);
      const before = given.get(flag.key);
      if (before !== undefined && !flag.meta.isList) throw usage(command, `${written} is given twice`);
      given.set(flag.key, { text: before === undefined ? text : `${before.text},${text}`, source: written });
    }
  }
}

function textOf(command: Command, flag: NamedFlag, written: string, value: string | true, isNegated: boolean): string {
  if (value === true) return String(!isNegated);
  if (isNegated) throw usage(command, `${written} takes no value`);
  if (value.startsWith(MARK)) return value.slice(MARK.length);
  const example = `${written} ${flag.meta.default ?? flag.meta.placeholder}`;
  throw usage(command, `${written} needs a value`, `write ${example}`);
}

function takeWords(command: Command, words: string[], given: GivenTexts): void {
  const { positions } = flagsOf(command.flags);
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
