/**
 * What a terminal obeys instead of showing it: C0 and C1 controls and DEL, the marks and controls
 * that turn the direction of text (Unicode Standard Annex 9), line and paragraph separators.
 */
// deno-lint-ignore no-control-regex -- control characters are what this is about
const OBEYED = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * The text on one line, with an escape for each character that a terminal would obey. All others
 * stay.
 */
export function visibleText(text: string): string {
  return text.replaceAll(OBEYED, (letter) => SHORT[letter] ?? unicodeEscape(letter));
}

/**
 * The same for a text that keeps its line ends and tabs. JSON keeps its meaning: these are JSON's
 * own escapes, and such characters occur only in its strings.
 */
export function visibleLines(text: string): string {
  return text.replaceAll(OBEYED, (letter) => {
    return letter === "\n" || letter === "\t" ? letter : SHORT[letter] ?? unicodeEscape(letter);
  });
}

function unicodeEscape(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
