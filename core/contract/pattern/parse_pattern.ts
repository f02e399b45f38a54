import {
  CODE_POINT_MAX,
  type CodePoints,
  complement,
  DIGITS,
  LINE_ENDS,
  propertySet,
  SPACES,
  union,
  WORD,
} from "./code_points.ts";

/** A regular expression that only decides whether a text matches. Groups do not capture. */
export type PatternNode =
  | { readonly kind: "set"; readonly set: CodePoints }
  | { readonly kind: "sequence" | "choice"; readonly items: readonly PatternNode[] }
  | { readonly kind: "repeat"; readonly item: PatternNode; readonly min: number; readonly max: number }
  | { readonly kind: "start" | "end" }
  | { readonly kind: "boundary"; readonly negated: boolean }
  /** Look-ahead or look-behind: whether `item` matches from here on, or up to here. */
  | { readonly kind: "look"; readonly ahead: boolean; readonly negated: boolean; readonly item: PatternNode };

/** The reason why a pattern is refused, and the place in it. */
export class PatternError extends Error {
  /** In UTF-16 units, from 0. */
  readonly offset: number | undefined;

  /** True for a syntax error; false if the pattern is valid but not supported. */
  readonly isSyntax: boolean;

  constructor(message: string, offset: number | undefined, isSyntax = false) {
    super(message);
    this.offset = offset;
    this.isSyntax = isSyntax;
  }
}

/** The pattern is larger than what is read: whether its syntax is right does not matter. */
export class PatternTooLargeError extends PatternError {}

/**
 * Parses ECMAScript's syntax with the u flag (ECMA-262, "Patterns"). Fails with `PatternError` for
 * invalid syntax and for back references, which no regular language has.
 */
export function parsePattern(source: string): PatternNode {
  let node: PatternNode | undefined, problem: PatternError | undefined;
  try {
    node = new PatternParser(source).parse();
  } catch (error) {
    if (!(error instanceof PatternError) || error instanceof PatternTooLargeError) throw error;
    problem = error;
  }
  const reason = engineReason(source);
  if (reason !== undefined) throw new PatternError(reason, problem?.offset, true);
  if (problem !== undefined) throw problem;
  return node!;
}

/** Why the JavaScript engine refuses a pattern. It decides what the syntax is. */
function engineReason(source: string): string | undefined {
  try {
    new RegExp(source, "u");
    return undefined;
  } catch (error) {
    // "Invalid regular expression: /…/u: Invalid escape"
    const { message } = error as SyntaxError;
    const reason = message.slice(message.lastIndexOf("/u: ") + 4);
    return reason.charAt(0).toLowerCase() + reason.slice(1);
  }
}

const SYNTAX = "^$\\.*+?()[]{}|";
const CONTROLS: Readonly<Record<string, number>> = { f: 0xc, n: 0xa, r: 0xd, t: 0x9, v: 0xb };
const CLASSES: Readonly<Record<string, CodePoints>> = { d: DIGITS, w: WORD, s: SPACES };

/**
 * A recursive descent parser. It may accept too much: the engine checks the syntax afterwards. For
 * what is refused here as too large that would take seconds.
 */
class PatternParser {
  readonly #source: string;
  #at = 0;
  /** Open groups. */
  #depth = 0;
  /** Of all sets so far. */
  #ranges = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#source.length) this.#fail("unmatched ')'");
    return node;
  }

  #choice(): PatternNode {
    const items = [this.#sequence()];
    while (this.#takes("|")) items.push(this.#sequence());
    return items.length === 1 ? items[0]! : { kind: "choice", items };
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    while (this.#at < this.#source.length && !this.#sees("|") && !this.#sees(")")) items.push(this.#term());
    return items.length === 1 ? items[0]! : { kind: "sequence", items };
  }

  #term(): PatternNode {
    if (this.#takes("^")) return { kind: "start" };
    if (this.#takes("$")) return { kind: "end" };
    if (this.#takes("\\b")) return { kind: "boundary", negated: false };
    if (this.#takes("\\B")) return { kind: "boundary", negated: true };
    for (const [opening, ahead, negated] of LOOKS) {
      if (this.#takes(opening)) return { kind: "look", ahead, negated, item: this.#group() };
    }
    return this.#quantified(this.#atom());
  }

  #quantified(item: PatternNode): PatternNode {
    const start = this.#at;
    const counts = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.#source.slice(start, start + COUNT_LENGTH_MAX));
    let bounds: readonly [number, number] | undefined;
    if (this.#takes("*")) bounds = [0, Infinity];
    else if (this.#takes("+")) bounds = [1, Infinity];
    else if (this.#takes("?")) bounds = [0, 1];
    else if (counts !== null) {
      const [text, min, comma, max] = counts;
      bounds = [Number(min), comma === undefined ? Number(min) : max === "" ? Infinity : Number(max)];
      this.#at += text.length;
    }
    if (bounds === undefined) return item;
    if (bounds[0] > bounds[1]) this.#fail("numbers out of order", start);
    // A lazy quantifier matches the same texts.
    this.#takes("?");
    return { kind: "repeat", item, min: bounds[0], max: bounds[1] };
  }

  #atom(): PatternNode {
    const start = this.#at;
    if (this.#takes(".")) return { kind: "set", set: this.#set(complement(LINE_ENDS)) };
    if (this.#takes("[")) return { kind: "set", set: this.#set(this.#class()) };
    if (this.#takes("(?:")) return this.#group();
    if (this.#takes("(?<")) {
      const end = this.#source.indexOf(">", this.#at);
      if (end < 0) this.#fail("a group's name without end", start);
      this.#at = end + 1;
      return this.#group();
    }
    if (this.#takes("(?")) {
      throw new PatternError("modifiers, such as (?i:…), are not supported", start);
    }
    if (this.#takes("(")) return this.#group();
    if (this.#takes("\\")) return { kind: "set", set: this.#set(this.#escape(start, false)) };
    if (SYNTAX.includes(this.#source[start]!)) this.#fail(`a lone ${this.#source[start]}`, start);
    return { kind: "set", set: this.#set(single(this.#point())) };
  }

  /** The rest of a group, up to its closing parenthesis. */
  #group(): PatternNode {
    const start = this.#at;
    if (++this.#depth > DEPTH_MAX) {
      throw new PatternTooLargeError(`groups are nested deeper than ${DEPTH_MAX} levels`, start - 1);
    }
    const node = this.#choice();
    if (!this.#takes(")")) this.#fail("a group without end", start - 1);
    this.#depth--;
    return node;
  }

  /** A few characters, such as `[^\p{L}]`, can stand for hundreds of ranges each time. */
  #set(set: CodePoints): CodePoints {
    this.#ranges += set.length;
    if (this.#ranges > RANGES_MAX) {
      throw new PatternTooLargeError(`its characters and classes make more than ${RANGES_MAX} ranges`, undefined);
    }
    return set;
  }

  #class(): CodePoints {
    const start = this.#at - 1;
    const negated = this.#takes("^");
    const ranges: (readonly [number, number])[] = [];
    while (!this.#takes("]")) {
      if (this.#at >= this.#source.length) this.#fail("a class without end", start);
      const from = this.#classItem();
      const dash = this.#at;
      if (this.#sees("-") && this.#source[dash + 1] !== "]" && dash + 1 < this.#source.length) {
        this.#at++;
        const to = this.#classItem();
        if (!isSingle(from) || !isSingle(to)) this.#fail("a range of classes", dash);
        if (from[0]![0] > to[0]![0]) this.#fail("a range out of order", dash);
        ranges.push([from[0]![0], to[0]![0]]);
      } else {
        ranges.push(...this.#set(from));
      }
    }
    const set = union(ranges);
    return negated ? complement(set) : set;
  }

  #classItem(): CodePoints {
    const start = this.#at;
    return this.#takes("\\") ? this.#escape(start, true) : single(this.#point());
  }

  /** Reads what follows the backslash at `start`. */
  #escape(start: number, inClass: boolean): CodePoints {
    const letter = this.#source[this.#at];
    if (letter === undefined) this.#fail("a backslash at the end", start);
    if (!inClass && (letter === "k" || /[1-9]/.test(letter))) {
      throw new PatternError(
        "back references cannot be matched in bounded time, so they are not supported",
        start,
      );
    }
    this.#at++;
    if (letter === "p" || letter === "P") {
      const name = /^\{[\w=]+\}/.exec(this.#source.slice(this.#at))?.[0];
      if (name === undefined) this.#fail("a property without name", start);
      this.#at += name.length;
      return propertySet(`\\${letter}${name}`) ?? this.#fail("no such property", start);
    }
    const set = CLASSES[letter.toLowerCase()];
    if (set !== undefined) return letter === letter.toLowerCase() ? set : complement(set);
    return single(this.#character(letter, start, inClass));
  }

  /** The code point of an escape. */
  #character(letter: string, start: number, inClass: boolean): number {
    const control = CONTROLS[letter];
    if (control !== undefined) return control;
    if (inClass && letter === "b") return 0x8;
    if (inClass && letter === "-") return 0x2d;
    if (SYNTAX.includes(letter) || letter === "/") return letter.charCodeAt(0);
    if (letter === "0" && !/[0-9]/.test(this.#source[this.#at] ?? "")) return 0;
    if (letter === "c") return this.#matched(/^[A-Za-z]/, start).charCodeAt(0) % 32;
    if (letter === "x") return parseInt(this.#matched(/^[0-9a-fA-F]{2}/, start), 16);
    if (letter !== "u") this.#fail("an escape that is none", start);
    if (this.#sees("{")) {
      const point = parseInt(this.#matched(/^\{[0-9a-fA-F]+\}/, start).slice(1), 16);
      return point <= CODE_POINT_MAX ? point : this.#fail("beyond Unicode", start);
    }
    const unit = parseInt(this.#matched(/^[0-9a-fA-F]{4}/, start), 16);
    const low = /^\\u([dD][c-fC-F][0-9a-fA-F]{2})/.exec(this.#source.slice(this.#at, this.#at + 6));
    if (unit < 0xd800 || unit > 0xdbff || low === null) return unit;
    this.#at += 6;
    return String.fromCharCode(unit, parseInt(low[1]!, 16)).codePointAt(0)!;
  }

  #matched(wanted: RegExp, start: number): string {
    const found = wanted.exec(this.#source.slice(this.#at, this.#at + ESCAPE_LENGTH_MAX))?.[0];
    if (found === undefined) this.#fail("an escape that is none", start);
    this.#at += found.length;
    return found;
  }

  #point(): number {
    const point = this.#source.codePointAt(this.#at)!;
    this.#at += point > 0xffff ? 2 : 1;
    return point;
  }

  #sees(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  #takes(text: string): boolean {
    if (!this.#sees(text)) return false;
    this.#at += text.length;
    return true;
  }

  #fail(reason: string, offset = this.#at): never {
    throw new PatternError(reason, offset);
  }
}

const LOOKS = [
  ["(?=", true, false],
  ["(?!", true, true],
  ["(?<=", false, false],
  ["(?<!", false, true],
] as const;

/** The parser recurses. */
const DEPTH_MAX = 200;
/** More than any pattern needs that can be compiled. */
const RANGES_MAX = 200_000;

/** Longer ones only add leading zeros. */
const COUNT_LENGTH_MAX = 64, ESCAPE_LENGTH_MAX = 64;

function single(point: number): CodePoints {
  return [[point, point]];
}

function isSingle(set: CodePoints): boolean {
  return set.length === 1 && set[0]![0] === set[0]![1];
}
