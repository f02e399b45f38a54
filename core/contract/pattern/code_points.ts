/** A set of code points: ascending ranges that do not touch, both ends included. */
export type CodePoints = readonly (readonly [from: number, to: number])[];

export const CODE_POINT_MAX = 0x10ffff;

/** ECMAScript's `\d`, `\w` and `\s` (ECMA-262, "CharacterClassEscape"). */
export const DIGITS: CodePoints = [[0x30, 0x39]];
export const WORD: CodePoints = [[0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
export const SPACES: CodePoints = union([
  [0x9, 0xd],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [
    0x2028,
    0x2029,
  ],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
/** What `.` does not match. */
export const LINE_ENDS: CodePoints = [[0xa, 0xa], [0xd, 0xd], [0x2028, 0x2029]];

/** The set of these ranges, which may overlap and come in any order. */
export function union(ranges: CodePoints): CodePoints {
  const merged: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** All other code points. */
export function complement(set: CodePoints): CodePoints {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= CODE_POINT_MAX) rest.push([next, CODE_POINT_MAX]);
  return rest;
}

const FIRST_LOW_SURROGATE = 0xdc00;
const properties = new Map<string, CodePoints>();

/**
 * The set of a property such as `\p{Script=Greek}`, by the Unicode tables of the JavaScript engine:
 * every code point is tested once, which takes some milliseconds. Undefined if the engine does not
 * know the property.
 */
export function propertySet(escape: string): CodePoints | undefined {
  const known = properties.get(escape);
  if (known !== undefined) return known;
  let runs: RegExp;
  try {
    runs = new RegExp(`${escape}+`, "gu");
  } catch {
    return undefined;
  }
  const ranges: [number, number][] = [];
  // Two texts: in one, the last high and the first low surrogate would form one code point.
  for (const [first, last] of [[0, FIRST_LOW_SURROGATE - 1], [FIRST_LOW_SURROGATE, CODE_POINT_MAX]] as const) {
    for (const { 0: run } of textOf(first, last).matchAll(runs)) ranges.push([run.codePointAt(0)!, lastPoint(run)]);
  }
  const set = union(ranges);
  properties.set(escape, set);
  return set;
}

/** UTF-16 units for one call, which takes only so many arguments. */
const PIECE = 0x2000;

function textOf(first: number, last: number): string {
  const units = new Uint16Array(2 * (last - first + 1));
  let length = 0;
  for (let point = first; point <= last; point++) {
    if (point <= 0xffff) units[length++] = point;
    else {
      units[length++] = 0xd7c0 + (point >> 10);
      units[length++] = FIRST_LOW_SURROGATE + (point & 0x3ff);
    }
  }
  let text = "";
  for (let from = 0; from < length; from += PIECE) {
    // Spread syntax takes fifteen times as long.
    text += Reflect.apply(String.fromCharCode, undefined, units.subarray(from, Math.min(length, from + PIECE)));
  }
  return text;
}

function lastPoint(text: string): number {
  const last = text.charCodeAt(text.length - 1);
  return text.length > 1 && last >= FIRST_LOW_SURROGATE && last <= 0xdfff ? text.codePointAt(text.length - 2)! : last;
}
