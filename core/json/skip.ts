import type { JsonReader } from "./reader.ts";

/** A fault in a value that is valid JSON. `path` starts at the skipped value. */
export interface SkipProblem {
  problem: "duplicate-key" | "lone-surrogate";
  path: (string | number)[];
}

const QUOTE = 0x22, COMMA = 0x2c, COLON = 0x3a, CLOSE_ARRAY = 0x5d, CLOSE_OBJECT = 0x7d;

/** With more keys, a set is faster than a linear search. */
const LINEAR_KEYS_MAX = 12;

/** The keys of one object, to find duplicates. */
export class KeySet {
  #few: string[] = [];
  #many: Set<string> | undefined;

  /** False if the key is a duplicate. */
  add(key: string): boolean {
    if (this.#many !== undefined) {
      const before = this.#many.size;
      return this.#many.add(key).size > before;
    }
    if (this.#few.includes(key)) return false;
    this.#few.push(key);
    if (this.#few.length > LINEAR_KEYS_MAX) this.#many = new Set(this.#few);
    return true;
  }
}

/** An object or array that is open. */
interface Level {
  /** Undefined in an array. */
  keys: KeySet | undefined;
  /** The key or index of the value being read. */
  at: string | number;
}

/**
 * Skips the value at the reader and returns the first fault in it. Nesting costs memory, never
 * stack.
 */
export function skipValue(reader: JsonReader): SkipProblem | undefined {
  const levels: Level[] = [];
  const finder = new ProblemFinder(levels);
  for (;;) {
    let open = startValue(reader, levels, finder);
    // A value has ended. Ends all objects and arrays that close right after it.
    while (!open) {
      const level = levels.at(-1);
      if (level === undefined) return finder.found;
      open = nextInLevel(reader, level, levels, finder);
    }
  }
}

class ProblemFinder {
  found: SkipProblem | undefined;
  readonly #levels: Level[];

  constructor(levels: Level[]) {
    this.#levels = levels;
  }

  note(problem: SkipProblem["problem"]): void {
    this.found ??= { problem, path: this.#levels.map((level) => level.at) };
  }
}

/** True if the value opened a level whose first inner value follows; false if it is complete. */
function startValue(reader: JsonReader, levels: Level[], finder: ProblemFinder): boolean {
  reader.countValue();
  switch (reader.kind()) {
    case "string":
      skipText(reader, finder);
      return false;
    case "number":
      reader.readNumber();
      return false;
    case "boolean":
    case "null":
      reader.readLiteral();
      return false;
    case "array":
      reader.pos++;
      if (reader.peek() === CLOSE_ARRAY) {
        reader.pos++;
        return false;
      }
      levels.push({ keys: undefined, at: 0 });
      return true;
    case "object": {
      reader.pos++;
      if (reader.peek() === CLOSE_OBJECT) {
        reader.pos++;
        return false;
      }
      const level = { keys: new KeySet(), at: "" };
      levels.push(level);
      readKey(reader, level, "a key or '}'", finder);
      return true;
    }
  }
}

/** After a value of `level`: true if another follows; false if the level ended and was popped. */
function nextInLevel(reader: JsonReader, level: Level, levels: Level[], finder: ProblemFinder): boolean {
  const code = reader.peek();
  if (level.keys === undefined) {
    if (code === COMMA) {
      reader.pos++;
      level.at = (level.at as number) + 1;
      return true;
    }
    if (code !== CLOSE_ARRAY) reader.fail("',' or ']'");
  } else {
    if (code === COMMA) {
      reader.pos++;
      readKey(reader, level, "a key", finder);
      return true;
    }
    if (code !== CLOSE_OBJECT) reader.fail("',' or '}'");
  }
  reader.pos++;
  levels.pop();
  return false;
}

function readKey(reader: JsonReader, level: Level, expected: string, finder: ProblemFinder): void {
  if (reader.peek() !== QUOTE) reader.fail(expected);
  const before = reader.loneSurrogate;
  reader.loneSurrogate = false;
  const key = reader.readString();
  level.at = key;
  if (reader.loneSurrogate) finder.note("lone-surrogate");
  if (!level.keys!.add(key)) finder.note("duplicate-key");
  reader.loneSurrogate ||= before;
  reader.take(COLON, "':'");
}

function skipText(reader: JsonReader, finder: ProblemFinder): void {
  const before = reader.loneSurrogate;
  reader.loneSurrogate = false;
  reader.skipString();
  if (reader.loneSurrogate) finder.note("lone-surrogate");
  reader.loneSurrogate ||= before;
}
