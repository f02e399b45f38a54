/**
 * Where a value stands in a JSON text: from and to, by a JSON pointer (RFC 6901). Undefined where
 * the text is no JSON or has no such place, which is no reason to fail: the text is a dead letter.
 */
export function placeIn(text, pointer) {
  const steps = pointer.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  let at = skipSpace(text, 0);
  for (const step of steps) {
    at = text[at] === "{" ? memberOf(text, at, step) : text[at] === "[" ? elementOf(text, at, step) : undefined;
    if (at === undefined) return undefined;
  }
  const to = endOf(text, at);
  return to === undefined ? undefined : { from: at, to };
}

function memberOf(text, start, key) {
  let at = skipSpace(text, start + 1), found;
  while (text[at] === '"') {
    const keyEnd = endOf(text, at);
    if (keyEnd === undefined) return found;
    const colon = skipSpace(text, keyEnd);
    if (text[colon] !== ":") return found;
    const value = skipSpace(text, colon + 1);
    if (stringOf(text.slice(at, keyEnd)) === key) found = value;
    const next = afterComma(text, value);
    if (next === undefined) return found;
    at = next;
  }
  return found;
}

function elementOf(text, start, step) {
  let at = skipSpace(text, start + 1);
  for (let index = 0; index < Number(step); index++) {
    at = afterComma(text, at);
    if (at === undefined) return undefined;
  }
  return text[at] === "]" ? undefined : at;
}

function afterComma(text, value) {
  const end = endOf(text, value);
  if (end === undefined) return undefined;
  const comma = skipSpace(text, end);
  return text[comma] === "," ? skipSpace(text, comma + 1) : undefined;
}

/** After the value that begins there. */
function endOf(text, start) {
  if (text[start] === '"') return stringEnd(text, start);
  if (text[start] !== "{" && text[start] !== "[") {
    const word = /[^\s,\]}:]+/y;
    word.lastIndex = start;
    return word.test(text) ? word.lastIndex : undefined;
  }
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') {
      const end = stringEnd(text, at);
      if (end === undefined) return undefined;
      at = end - 1;
    } else if (letter === "{" || letter === "[") depth++;
    else if (letter === "}" || letter === "]") {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}

function stringEnd(text, start) {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return undefined;
}

function stringOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function skipSpace(text, from) {
  let at = from;
  while (at < text.length && " \t\r\n".includes(text[at])) at++;
  return at;
}
