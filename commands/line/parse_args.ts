import { parseArgs as parse } from "@std/cli/parse-args";

/**
 * The options of @std/cli's parseArgs that strict parsing can use; command_line.ts says why not the
 * others.
 */
export interface ParseArgsOptions {
  /** Flags that take a value; every text stays text. */
  string: string[];
  /** Flags that take none. */
  boolean: string[];
  /** Called for each flag that is neither. `key` is undefined for what is no flag at all. */
  unknown(arg: string, key: string | undefined): void;
}

export interface ParsedArgs {
  /** What was given for each flag, in order: a text, or true; empty where it was not given. */
  values: (name: string) => (string | true)[];
  /** Arguments that are neither flags nor their values, up to `--`. */
  words: string[];
  /** What follows `--`. */
  rest: string[];
}

/** The typed edge of @std/cli/parse-args, which comes from npm without types. */
export function parseArgs(args: string[], options: ParseArgsOptions): ParsedArgs {
  const { string, boolean } = options;
  const parsed = parse(args, {
    string: ["_", ...string],
    boolean,
    collect: [...string, ...boolean],
    "--": true,
    unknown: options.unknown,
  }) as Record<string, (string | true)[]> & { _: string[]; "--": string[] };
  return { values: (name) => parsed[name] ?? [], words: parsed._, rest: parsed["--"] };
}
