/**
 * The command line is data. A subcommand's flags are one zod object schema made of the builders
 * below; parsing (command_line.ts), `STREAMLAB_*` variables and `streamlab.json`
 * (configuration.ts), help (help.ts), completion (completions.ts) and error messages all read it.
 *
 * Keys are camelCase in the schema and kebab-case on the command line: `batchSize` is
 * `--batch-size`, `STREAMLAB_BATCH_SIZE` and `"batch-size"`. Every value arrives as text, whatever
 * its source, and goes through the flag's one parser; so does the default, which is written as a
 * user would write it. A flag without a default and not required is `undefined` when absent.
 */
import * as z from "zod";
import { messageOf, StreamlabError } from "../../core/base/errors.ts";
import {
  type LakeLocation,
  parseChance,
  parseCount,
  parseDuration,
  parseId,
  parseLakeLocation,
  parseLimit,
  parseList,
  parsePast,
  parseRate,
  parseSize,
  parseSwitch,
  parseTableName,
  parseTime,
  parseTimeZone,
  type TableName,
} from "./values.ts";

export interface FlagOptions {
  /** What it does: a few words, lower case, no final period. */
  doc: string;
  /** As the user would write it; shown in help. */
  default?: string;
  required?: true;
  /** The value's name in help, such as `N` or `DURATION`; each kind has its own. */
  placeholder?: string;
  /** One letter: `f` for `-f`. */
  short?: string;
  /** Place among the positional arguments, from 0; such a value has no flag and no variable. */
  position?: number;
  /** Its heading in help; without one, the first list. */
  section?: string;
  /** Its value must not appear in any message. */
  isSecret?: true;
}

/** What help, completion and the parser know of a flag. */
export interface FlagMeta extends FlagOptions {
  placeholder: string;
  /** A switch takes no value. */
  isSwitch: boolean;
  /** Given more than once, the texts are joined by commas. */
  isList: boolean;
  choices: readonly string[];
  /** What a shell should offer as its value. */
  completes: "choices" | "file" | "nothing";
}

type Flag<T, O> = z.ZodType<O extends { default: string } | { required: true } ? T : T | undefined, string | undefined>;

export type FlagShape = Record<string, z.ZodType<unknown, string | undefined>>;
export type FlagSchema<S extends FlagShape = FlagShape> = z.ZodObject<S>;

const registry = z.registry<FlagMeta>();

function flagMeta(schema: z.ZodType): FlagMeta {
  const meta = registry.get(schema);
  if (meta === undefined) throw new StreamlabError("internal", "a flag was made without the builders of flags.ts");
  return meta;
}

function build<T, const O extends FlagOptions>(
  parse: (text: string) => T,
  options: O,
  extra: Partial<FlagMeta> & { placeholder: string },
): Flag<T, O> {
  const text = z.string().transform((value, context) => {
    try {
      return parse(value);
    } catch (error) {
      context.addIssue({ code: "custom", message: messageOf(error) });
      return z.NEVER;
    }
  });
  const schema = options.default !== undefined
    ? text.prefault(options.default)
    : options.required
    ? text
    : text.optional();
  registry.add(schema, { isSwitch: false, isList: false, choices: [], completes: "nothing", ...extra, ...options });
  return schema as unknown as Flag<T, O>;
}

function kind<T>(parse: (text: string) => T, placeholder: string, extra: Partial<FlagMeta> = {}) {
  return <const O extends FlagOptions>(options: O): Flag<T, O> => build(parse, options, { placeholder, ...extra });
}

/** The builders: `flag.duration({ doc: "pause between files", default: "3s" })`. */
export const flag = {
  /** Any text, the empty one included. */
  text: kind((text) => text, "TEXT"),
  /** A path of a file, as written; relative ones mean `context.cwd`. */
  file: kind((text) => text, "FILE", { completes: "file" }),
  /** Number of milliseconds. */
  duration: kind(parseDuration, "DURATION"),
  /** Number of bytes. */
  size: kind(parseSize, "SIZE"),
  /** Number per second. */
  rate: kind(parseRate, "RATE"),
  /** Milliseconds since 1970. */
  time: kind(parseTime, "TIME"),
  /** From now in milliseconds since 1970 to the time that is meant. */
  past: kind(parsePast, "TIME"),
  /** An IANA name. */
  timeZone: kind(parseTimeZone, "ZONE"),
  chance: kind(parseChance, "CHANCE"),
  count: kind(parseCount, "N"),
  limit: kind(parseLimit, "N|P%"),
  /** bigint. */
  id: kind(parseId, "ID"),
  /** { namespace, name }. */
  table: kind<TableName>(parseTableName, "TABLE"),
  lake: kind<LakeLocation>(parseLakeLocation, "LAKE", { completes: "file" }),
  /** string[]. */
  list: kind(parseList, "NAMES", { isList: true }),

  /**
   * true or false; `--x` sets it, `--no-x` and `--x=false` clear it. False by default; with
   * `default: "true"` help shows `--no-x`.
   */
  switch(options: FlagOptions): z.ZodType<boolean, string | undefined> {
    return build(parseSwitch, { default: "false", ...options }, { placeholder: "", isSwitch: true });
  },

  /** One of a few words. */
  choice<const C extends readonly [string, ...string[]], const O extends FlagOptions>(
    choices: C,
    options: O,
  ): Flag<C[number], O> {
    const parse = (text: string): C[number] => {
      if (choices.includes(text)) return text;
      throw new StreamlabError("usage", `expected one of ${choices.join(", ")}, got "${text}"`);
    };
    return build(parse, options, { placeholder: choices.join("|"), choices, completes: "choices" });
  },

  /** Any other kind: `parse` throws what it expected, as `expected a colour, got "x"`. */
  of<T, const O extends FlagOptions & { placeholder: string }>(parse: (text: string) => T, options: O): Flag<T, O> {
    return build(parse, options, { placeholder: options.placeholder });
  },
};

/** Flags that every subcommand has. */
export const everywhereFlags = z.object({
  json: flag.switch({
    doc: "print one JSON object per batch or action on standard output; errors, notes and progress are JSON, too",
  }),
  logFormat: flag.choice(["text", "json"], {
    doc: "of what goes to standard error: errors, notes and progress (default text, with --json json)",
  }),
  debug: flag.switch({ doc: "show where an error came from" }),
  config: flag.file({ doc: "read defaults from this file (default streamlab.json, if present)" }),
});

function kebabCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export interface NamedFlag {
  key: string;
  /** Kebab-case, without dashes. */
  name: string;
  meta: FlagMeta;
}

/** All flags of a schema in the order of their writing; positional arguments apart. */
export function flagsOf(schema: FlagSchema): { flags: NamedFlag[]; positions: NamedFlag[] } {
  const all = Object.entries(schema.shape).map(([key, value]) => ({
    key,
    name: kebabCase(key),
    meta: flagMeta(value as z.ZodType),
  }));
  return {
    flags: all.filter(({ meta }) => meta.position === undefined),
    positions: all.filter(({ meta }) => meta.position !== undefined)
      .sort((left, right) => left.meta.position! - right.meta.position!),
  };
}
