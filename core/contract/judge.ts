import type { Contract, OnExtraFields, OnWrongType } from "./contract.ts";
import { Findings } from "./findings.ts";
import { clip, pointerText } from "../json/pointer.ts";
import { JsonReader, JsonSyntaxError, TooManyValuesError, VALUES_MAX } from "../json/reader.ts";
import { KeySet, skipValue } from "../json/skip.ts";
import type { JsonNode } from "../json/tree.ts";
import { absence, type ChecksPlan, type JudgePlan, judgePlan, type StructPlan, type ValuePlan } from "./judge_plan.ts";
import {
  enumProblem,
  instantProblem,
  jsonInText,
  numberProblem,
  problemOfJson,
  stringProblem,
  textOfBoolean,
  textOfNumber,
  textOfString,
  textProblem,
} from "./judge_scalar.ts";
import { type ExtraField, foundText, type Judgement, type Row, type ValueTree, verdict } from "./judgement.ts";
import { unmetCondition } from "./unmet_condition.ts";

const QUOTE = 0x22, COMMA = 0x2c, COLON = 0x3a, CLOSE_ARRAY = 0x5d, CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b, OPEN_OBJECT = 0x7b, LOWER_N = 0x6e, MINUS = 0x2d, ZERO = 0x30, NINE = 0x39;

const KEY_TWICE = "expected a key once in its object, found it twice";
const UNICODE_TEXT = "Unicode text (no half of a surrogate pair)";
const LONE_SURROGATE = `expected ${UNICODE_TEXT}, found an escape of half a surrogate pair`;

/** Not a valid value. */
const BAD = Symbol("bad");

/**
 * Decides where each record goes; these are the rules themselves. It reports the first problem from
 * the front of the record to its back. A missing required field is a problem at the end of its
 * object. One caller at a time.
 */
export class Judge {
  readonly #plan: JudgePlan;
  readonly #reader = new JsonReader();
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #path: (string | number)[] = [];
  readonly #found = new Findings();
  readonly #rescuesTypes: boolean;
  #objects = 0;

  constructor(contract: Contract, onExtraFields: OnExtraFields, onWrongType: OnWrongType = "dead-letter") {
    this.#plan = judgePlan(contract, onExtraFields);
    this.#rescuesTypes = onWrongType === "rescue";
  }

  /** Judges a record by its UTF-8 text. */
  judgeBytes(bytes: Uint8Array): Judgement {
    let text: string;
    try {
      text = this.#decoder.decode(bytes);
    } catch {
      return { kind: "not_json", detail: "the text is not UTF-8" };
    }
    return this.judge(text);
  }

  /** Judges a record by its text. White space around it is allowed. */
  judge(text: string): Judgement {
    this.#reader.start(text);
    this.#path.length = 0;
    this.#found.clear();
    try {
      const row = this.#readRecord();
      this.#reader.end();
      return verdict(row, this.#found.problem, this.#found.extras, this.#plan.onExtraFields);
    } catch (error) {
      if (error instanceof TooManyValuesError) return this.#tooManyValues();
      if (!(error instanceof JsonSyntaxError)) throw error;
      return { kind: "not_json", detail: `character ${error.offset + 1}: ${error.message}` };
    }
  }

  /** What is wrong with a value of a column, or of its map's entry; undefined where nothing is. */
  problemOf(column: number, json: string, ...entry: [] | [key: string]): string | undefined {
    const { root } = this.#plan;
    const plan = root.values[column]!;
    this.#reader.start(json);
    this.#found.clear();
    this.#path = [root.keys[column]!, ...entry];
    this.#readValue(entry.length === 0 ? plan : plan.inner!);
    return this.#found.problem;
  }

  /** What a record lacks that has no such column. */
  problemWithout(column: number): string {
    const { root } = this.#plan;
    return `${pointerText([root.keys[column]!])}: ${absence(root.values[column]!)}`;
  }

  /** What is wrong with a record that has a column twice, or an entry of its map. */
  problemTwice(column: number, ...entry: [] | [key: string]): string {
    return `${pointerText([this.#plan.root.keys[column]!, ...entry])}: ${KEY_TWICE}`;
  }

  #tooManyValues(): Judgement {
    const detail = this.#found.problem ?? `the record: expected at most ${VALUES_MAX} values, found more`;
    return { kind: "dead_letter", reason: "invalid_schema", detail, values: { ...this.#plan.root.empty } };
  }

  #readRecord(): Row {
    const { root } = this.#plan;
    const row: Row = { ...root.empty };
    const reader = this.#reader;
    if (reader.peek() === OPEN_OBJECT) {
      const start = reader.pos;
      this.#readStruct(root, row);
      const { problem } = this.#found;
      if (problem === undefined) this.#meets(this.#plan.conditions, reader.text.slice(start, reader.pos));
    } else {
      const start = reader.pos;
      skipValue(reader);
      this.#found.note([], `expected object, found ${foundText(reader.text.slice(start, reader.pos))}`);
    }
    return row;
  }

  /** Reads an object into `row`, whose fields are all null. */
  #readStruct(struct: StructPlan, row: Row): void {
    const reader = this.#reader;
    const object = ++this.#objects;
    let previous = struct.names.length;
    let unknown: KeySet | undefined;
    reader.pos++;
    if (reader.peek() !== CLOSE_OBJECT) {
      for (;;) {
        const field = this.#readFieldKey(struct, previous);
        if (typeof field === "string") {
          unknown ??= new KeySet();
          if (!unknown.add(field)) this.#note(field, KEY_TWICE);
          this.#path.push(field);
          this.#keepApart({});
          this.#path.pop();
        } else {
          previous = field;
          this.#readField(struct, field, object, row);
        }
        if (this.#endsObject()) break;
      }
    }
    reader.pos++;
    for (const field of struct.required) {
      if (struct.seenIn[field] === object) continue;
      this.#note(struct.keys[field]!, absence(struct.values[field]!));
    }
  }

  /**
   * Reads the next key and its colon. Returns the field's index, or the key if the struct lacks it.
   */
  #readFieldKey(struct: StructPlan, previous: number): number | string {
    const reader = this.#reader;
    const guess = struct.follower[previous]!;
    const quoted = struct.quoted[guess];
    let field: number | string | undefined;
    if (quoted !== undefined && reader.text.startsWith(quoted, reader.pos)) {
      reader.pos += quoted.length;
      field = guess;
    } else {
      const key = this.#readKey();
      field = struct.indexOf.get(key);
      if (field === undefined) field = key;
      else struct.follower[previous] = field as number;
    }
    reader.take(COLON, "':'");
    return field;
  }

  #readKey(): string {
    const reader = this.#reader;
    if (reader.peek() !== QUOTE) reader.fail("a key");
    const key = reader.readString();
    if (reader.loneSurrogate) {
      reader.loneSurrogate = false;
      this.#note(key, LONE_SURROGATE);
    }
    return key;
  }

  #readField(struct: StructPlan, field: number, object: number, row: Row): void {
    const name = struct.names[field]!, key = struct.keys[field]!;
    const repeated = struct.seenIn[field] === object;
    if (repeated) this.#note(key, KEY_TWICE);
    struct.seenIn[field] = object;
    const plan = struct.values[field]!;
    this.#path.push(key);
    const value = this.#readMember(struct, field, plan);
    this.#path.pop();
    row[name] = repeated || value === BAD ? null : value;
  }

  #readMember(struct: StructPlan, field: number, plan: ValuePlan): ValueTree | typeof BAD {
    if (struct.loose[field]) return this.#readLoose(plan);
    if (!this.#rescuesTypes) return this.#readValue(plan);
    if (!struct.isRequired[field]) return this.#readOptional(plan);
    const before = this.#found.mark();
    const value = this.#readValue(plan);
    if (value === BAD) this.#found.harden(before);
    return value;
  }

  /** Reads a value that is an extra field if the column does not take it. */
  #readLoose(plan: ValuePlan): ValueTree | typeof BAD {
    const start = this.#reader.mark(), before = this.#found.mark();
    const value = this.#readValue(plan);
    if (value !== BAD) return value;
    this.#reader.returnTo(start);
    this.#found.returnTo(before, { keepsExtras: false });
    this.#keepApart({ isMisfit: true });
    return BAD;
  }

  /** Reads a value that is rescued if nothing but types is wrong with it. */
  #readOptional(plan: ValuePlan): ValueTree | typeof BAD {
    const start = this.#reader.mark(), before = this.#found.mark();
    const value = this.#readValue(plan);
    if (value !== BAD || !this.#found.areOnlyTypes(before)) return value;
    this.#reader.returnTo(start);
    // Where an extra field makes a dead letter, one that is inside does.
    this.#found.returnTo(before, { keepsExtras: this.#plan.onExtraFields === "dead-letter" });
    this.#keepApart({ isOfWrongType: true });
    return BAD;
  }

  #keepApart(kind: Pick<ExtraField, "isMisfit" | "isOfWrongType">): void {
    const reader = this.#reader;
    reader.peek();
    const start = reader.pos;
    this.#skip();
    this.#found.extras.push({ path: this.#path.slice(), json: reader.text.slice(start, reader.pos), ...kind });
  }

  /** Skips any value, and notes what no record may contain at any depth. */
  #skip(): void {
    const found = skipValue(this.#reader);
    if (found === undefined) return;
    this.#reader.loneSurrogate = false;
    this.#found.note([...this.#path, ...found.path], found.problem === "duplicate-key" ? KEY_TWICE : LONE_SURROGATE);
  }

  #readValue(plan: ValuePlan): ValueTree | typeof BAD {
    const reader = this.#reader;
    reader.countValue();
    const code = reader.peek();
    if (code === LOWER_N && plan.nullable && reader.text.startsWith("null", reader.pos)) {
      reader.pos += 4;
      return null;
    }
    if (plan.conditions.length === 0) return this.#readTyped(plan, code);
    const start = reader.pos, before = this.#found.problems;
    const value = this.#readTyped(plan, code);
    if (value === BAD || this.#found.problems > before) return BAD;
    const written = reader.text.slice(start, reader.pos);
    // Conditions are for the number or boolean that a text stands for.
    const json = plan.coerce && code === QUOTE ? JSON.parse(written) as string : written;
    return this.#meets(plan.conditions, json) ? value : BAD;
  }

  /** Whether a value satisfies its conditions; notes the first that it does not. */
  #meets(conditions: readonly JsonNode[], json: string): boolean {
    const unmet = unmetCondition(this.#plan.schemaCheck, conditions, json);
    if (unmet === undefined) return true;
    this.#found.note([...this.#path, ...unmet.path], unmet.words);
    return false;
  }

  #readTyped(plan: ValuePlan, code: number): ValueTree | typeof BAD {
    if (plan.kind === "json") return this.#readJson();
    if (plan.struct !== undefined && code === OPEN_OBJECT) {
      const row: Row = { ...plan.struct.empty };
      const before = this.#found.problems;
      this.#readStruct(plan.struct, row);
      return this.#found.problems === before ? row : BAD;
    }
    if (plan.kind === "map" && code === OPEN_OBJECT) return this.#readMap(plan);
    if (plan.kind === "list" && code === OPEN_ARRAY) return this.#readList(plan.inner!);
    return this.#readScalar(plan, code);
  }

  /** Any value, as its text. */
  #readJson(): string | typeof BAD {
    const reader = this.#reader;
    const start = reader.pos, before = this.#found.problems;
    this.#skip();
    return this.#found.problems === before ? reader.text.slice(start, reader.pos) : BAD;
  }

  #readMap(plan: ValuePlan): ValueTree | typeof BAD {
    const reader = this.#reader;
    // Without a prototype, so that "__proto__" is a key like any other.
    const map: { [key: string]: ValueTree } = Object.create(null);
    const before = this.#found.problems;
    reader.pos++;
    if (reader.peek() !== CLOSE_OBJECT) {
      for (;;) {
        const key = this.#readKey();
        reader.take(COLON, "':'");
        if (key in map) this.#note(key, KEY_TWICE);
        if (plan.keys !== undefined) this.#checkKey(plan.keys, key);
        this.#path.push(key);
        const value = this.#readValue(plan.inner!);
        this.#path.pop();
        map[key] = value === BAD ? null : value;
        if (this.#endsObject()) break;
      }
    }
    reader.pos++;
    return this.#found.problems === before ? map : BAD;
  }

  #checkKey(checks: ChecksPlan, key: string): void {
    const problem = stringProblem(checks, key);
    if (problem !== undefined) this.#note(key, `expected as key a ${problem}, found ${clip(JSON.stringify(key))}`);
  }

  #readList(element: ValuePlan): ValueTree | typeof BAD {
    const reader = this.#reader;
    const list: ValueTree[] = [];
    const before = this.#found.problems;
    reader.pos++;
    if (reader.peek() !== CLOSE_ARRAY) {
      for (let index = 0;; index++) {
        this.#path.push(index);
        const value = this.#readValue(element);
        this.#path.pop();
        list.push(value === BAD ? null : value);
        if (reader.peek() === CLOSE_ARRAY) break;
        reader.take(COMMA, "',' or ']'");
      }
    }
    reader.pos++;
    return this.#found.problems === before ? list : BAD;
  }

  /** After a member: true at the end of the object, else moves to the next key. */
  #endsObject(): boolean {
    const reader = this.#reader;
    if (reader.peek() === CLOSE_OBJECT) return true;
    reader.take(COMMA, "',' or '}'");
    reader.peek();
    return false;
  }

  /** Reads any value except an object or array that the type accepts. */
  #readScalar(plan: ValuePlan, code: number): ValueTree | typeof BAD {
    const reader = this.#reader;
    const start = reader.pos;
    const { type, checks } = plan;
    let text: string | undefined;
    let problem: string | undefined;
    if (code === QUOTE) {
      const value = reader.readString();
      if (reader.loneSurrogate) problem = UNICODE_TEXT;
      reader.loneSurrogate = false;
      const json = jsonInText(type, value);
      if (plan.coerce && json !== undefined) {
        text = type.kind === "boolean" ? json : textOfNumber(type, json, false);
        if (text !== undefined && checks !== undefined) problem = problemOfJson(type, checks, json);
      } else {
        text = textOfString(type, value);
        if (text !== undefined && checks !== undefined) problem ??= stringProblem(checks, value);
        if (text === undefined) problem ??= textProblem(plan, value, json);
      }
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const written = reader.readNumber();
      text = textOfNumber(type, written, reader.plainInteger);
      if (text !== undefined && checks !== undefined) problem = numberProblem(checks, written);
      if (text === undefined && plan.kind === "timestamptz") problem = instantProblem(plan, written, "number");
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      if (type.kind === "string" && type.accepts.nested) {
        const before = this.#found.problems;
        this.#skip();
        return this.#found.problems === before ? reader.text.slice(start, reader.pos) : BAD;
      }
      skipValue(reader);
      reader.loneSurrogate = false;
    } else {
      const written = reader.readLiteral();
      if (written !== "null") text = textOfBoolean(type, written);
      if (text !== undefined && checks !== undefined) problem = enumProblem(checks, text, false);
    }
    if (text !== undefined && problem === undefined) return text;
    const json = reader.text.slice(start, reader.pos);
    if (text === undefined) this.#found.typeFaults++;
    this.#found.note(this.#path, `expected ${problem ?? plan.expected}, found ${foundText(json)}`);
    return BAD;
  }

  /** Notes a problem with the member `key` of the current object. */
  #note(key: string, words: string): void {
    this.#found.note([...this.#path, key], words);
  }
}
