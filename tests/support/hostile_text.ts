/** One of each kind of what a terminal obeys: C0, C1, DEL, marks of direction, separators. */
export const HOSTILE_TEXT =
  "a\x1b]0;title\x07\x1b[31m\x08\r\x9b32m\x85\x7f\u061c\u200e\u200f\u202a\u202e\u2066\u2069\u2028\u2029b";

/** What a terminal would obey, but for lines and tabs; empty where there is nothing of it. */
export function obeyed(text: string): string[] {
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  const found = text.match(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g) ?? [];
  return [...new Set(found)].map((letter) => `U+${letter.codePointAt(0)!.toString(16).padStart(4, "0")}`);
}
