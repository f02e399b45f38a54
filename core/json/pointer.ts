/** A JSON pointer (RFC 6901) to a place in a record: keys and indices from the top. */
export type JsonPath = readonly (string | number)[];

/**
 * The steps of a pointer's text (RFC 6901, sections 3 and 4): a number is a key or an index, as the
 * value has it. Undefined where the text is no pointer.
 */
export function pointerSteps(text: string): string[] | undefined {
  if (text === "") return [];
  if (!text.startsWith("/") || /~(?![01])/.test(text)) return undefined;
  return text.slice(1).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The most characters of a pointer, key or value in a message. */
const SHOWN_MAX = 100;

/** The pointer's text, for people: long keys are cut, control characters escaped as in JSON. */
export function pointerText(path: JsonPath): string {
  const shown = path.length <= SHOWN_STEPS_MAX ? path : path.slice(0, SHOWN_STEPS_MAX);
  const text = shown.map((step) => `/${stepText(String(step))}`).join("");
  return shown === path ? text : `${text}/…`;
}

const SHOWN_STEPS_MAX = 16;

function stepText(step: string): string {
  return clip(step).replaceAll("~", "~0").replaceAll("/", "~1")
    .replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * The first `length` UTF-16 units of a text, never half a surrogate pair, with `…` if something was
 * cut.
 */
export function clip(text: string, length = SHOWN_MAX): string {
  if (text.length <= length) return text.toWellFormed();
  const last = text.charCodeAt(length - 1);
  const cut = last >= 0xd800 && last <= 0xdbff ? length - 1 : length;
  return `${text.slice(0, cut).toWellFormed()}…`;
}
