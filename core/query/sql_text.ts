/**
 * Where SQL statements end: DuckDB's rules for strings, quoted names, dollar quotes and comments,
 * and nothing more. What a statement means is for DuckDB's own parser to say (question.ts).
 */

/**
 * Text before the first `;` that ends a statement, again and again; `rest` is what follows the last
 * one.
 */
export interface SplitSql {
  /** Without their semicolons; none is blank. */
  statements: string[];
  rest: string;
}

export function splitStatements(text: string): SplitSql {
  const statements: string[] = [];
  let start = 0, at = 0;
  while (at < text.length) {
    if (text[at] === ";") {
      const statement = text.slice(start, at);
      if (!isBlank(statement)) statements.push(statement.trim());
      start = at + 1;
    }
    at = skipToken(text, at);
  }
  return { statements, rest: text.slice(start) };
}

/** True when there is nothing but spaces and comments. */
export function isBlank(text: string): boolean {
  return skipBlank(text, 0) >= text.length;
}

/**
 * `EXPLAIN ANALYZE SELECT 1` → the prefix and the statement that it is about; an empty prefix when
 * it is no EXPLAIN.
 */
export function splitExplain(text: string): { prefix: string; statement: string } {
  const start = skipBlank(text, 0);
  if (!/^explain\b/i.test(text.slice(start))) return { prefix: "", statement: text };
  let at = skipBlank(text, start + "explain".length);
  // Options in parentheses; a parenthesis before anything else belongs to the statement: EXPLAIN
  // (SELECT 1).
  const options = /^\(\s*(analyze|verbose|format)\b[^()]*\)/i.exec(text.slice(at));
  if (options !== null) at = skipBlank(text, at + options[0].length);
  for (let word; (word = /^(analyze|verbose)\b/i.exec(text.slice(at)));) at = skipBlank(text, at + word[0].length);
  return { prefix: text.slice(start, at), statement: text.slice(at) };
}

export function skipBlank(text: string, from: number): number {
  let at = from;
  while (at < text.length && (/\s/.test(text[at]!) || isComment(text, at))) at = skipToken(text, at);
  return at;
}

function isComment(text: string, at: number): boolean {
  return text.startsWith("--", at) || text.startsWith("/*", at);
}

/** The place behind the string, name, comment or single character that stands at `at`. */
export function skipToken(text: string, at: number): number {
  const letter = text[at]!;
  if (letter === "'") {
    const isEscaping = /[eE]/.test(text[at - 1] ?? "") && !/[\w$]/.test(text[at - 2] ?? "");
    return skipQuoted(text, at, "'", isEscaping);
  }
  if (letter === '"') return skipQuoted(text, at, '"', false);
  if (text.startsWith("--", at)) return indexOrEnd(text, /[\n\r]/g, at, 1);
  if (text.startsWith("/*", at)) return skipComment(text, at);
  if (letter === "$" && !/[\w$]/.test(text[at - 1] ?? "")) {
    const tag = /^\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/.exec(text.slice(at, at + 130));
    if (tag !== null) {
      const end = text.indexOf(tag[0], at + tag[0].length);
      return end < 0 ? text.length : end + tag[0].length;
    }
  }
  return at + 1;
}

function skipQuoted(text: string, from: number, quote: string, escapes: boolean): number {
  for (let at = from + 1; at < text.length; at++) {
    if (escapes && text[at] === "\\") at++;
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at++;
    }
  }
  return text.length;
}

/** Comments nest, as in PostgreSQL. */
function skipComment(text: string, from: number): number {
  let depth = 1;
  let at = from + 2;
  while (at < text.length && depth > 0) {
    if (text.startsWith("/*", at)) [depth, at] = [depth + 1, at + 2];
    else if (text.startsWith("*/", at)) [depth, at] = [depth - 1, at + 2];
    else at++;
  }
  return at;
}

function indexOrEnd(text: string, pattern: RegExp, from: number, length: number): number {
  pattern.lastIndex = from;
  const match = pattern.exec(text);
  return match === null ? text.length : match.index + length;
}

/** A statement around the items of its own ORDER BY, not of those in parentheses. */
export interface OrderByText {
  /** Ends with ORDER BY. */
  before: string;
  items: string[];
  /** LIMIT and what follows. */
  after: string;
}

export function splitOrderBy(text: string): OrderByText | undefined {
  let items: string[] | undefined;
  let before = 0, from = 0, solid = 0, depth = 0;
  for (let at = skipBlank(text, 0); at < text.length; at = skipBlank(text, at)) {
    const start = at;
    const word = depth === 0 && !/[\w$.]/.test(text[at - 1] ?? "") ? /^[a-z]+\b|/i.exec(text.slice(at))![0] : "";
    at = word === "" ? skipToken(text, at) : at + word.length;
    const by = /^order$/i.test(word) ? skipBlank(text, at) : at;
    if (by > at && /^by\b/i.test(text.slice(by, by + 3))) {
      [items, before, from, solid, at] = [[], by + 2, by + 2, by + 2, by + 2];
      continue;
    }
    if (items !== undefined && depth === 0) {
      if (/^(limit|offset|fetch|using|for)$/i.test(word)) {
        return {
          before: text.slice(0, before),
          items: [...items, itemOf(text, from, solid)],
          after: text.slice(start),
        };
      }
      if (text[start] === ",") [items, from] = [[...items, itemOf(text, from, solid)], at];
    }
    if ("([{".includes(text[start]!)) depth++;
    if (")]}".includes(text[start]!)) depth--;
    solid = at;
  }
  if (items === undefined) return undefined;
  return { before: text.slice(0, before), items: [...items, itemOf(text, from, solid)], after: "" };
}

/** Without the comments around it. */
function itemOf(text: string, from: number, to: number): string {
  return text.slice(skipBlank(text, from), to);
}

/** `AT (VERSION => 123)` behind a table's name. */
export interface AtClause {
  from: number;
  /** Behind its parenthesis. */
  to: number;
  unit: "version" | "timestamp";
  /** What is behind the arrow. */
  expression: string;
}

/** The first that begins at `start` or behind it. */
export function findAtClause(text: string, start: number): AtClause | undefined {
  for (let at = skipBlank(text, start); at < text.length; at = skipBlank(text, skipToken(text, at))) {
    const isWord = /^at\b/i.test(text.slice(at, at + 3)) && !/[\w$.]/.test(text[at - 1] ?? "");
    const clause = isWord ? atClause(text, at) : undefined;
    if (clause !== undefined) return clause;
  }
  return undefined;
}

function atClause(text: string, from: number): AtClause | undefined {
  const open = skipBlank(text, from + "at".length);
  if (text[open] !== "(") return undefined;
  const unitAt = skipBlank(text, open + 1);
  const unit = /^(version|timestamp)\b/i.exec(text.slice(unitAt, unitAt + 10))?.[1];
  if (unit === undefined) return undefined;
  const arrow = skipBlank(text, unitAt + unit.length);
  if (!text.startsWith("=>", arrow)) return undefined;
  let depth = 1;
  for (let at = arrow + 2; at < text.length; at = skipToken(text, at)) {
    if (text[at] === "(") depth++;
    if (text[at] === ")" && --depth === 0) {
      const expression = text.slice(arrow + 2, at).trim();
      return { from, to: at + 1, unit: unit.toLowerCase() as AtClause["unit"], expression };
    }
  }
  return undefined;
}
