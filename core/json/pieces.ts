/** Of a text, escaped at once. */
const PIECE_LENGTH = 1 << 16;

/**
 * What `JSON.stringify` writes for plain data, in pieces. The copies of a text of megabytes would
 * come to many times its size: it is escaped, joined and encoded. A pair of surrogates may come as
 * two escapes; every reader of JSON joins them.
 */
export function* jsonPieces(value: unknown): Generator<string> {
  if (!holdsLongText(value)) yield JSON.stringify(value);
  else if (typeof value === "string") yield* textPieces(value);
  else if (Array.isArray(value)) {
    let mark = "[";
    for (const item of value) {
      yield mark;
      yield* jsonPieces(item ?? null);
      mark = ",";
    }
    yield "]";
  } else {
    let mark = "{";
    for (const [key, member] of Object.entries(value as object)) {
      if (member === undefined) continue;
      yield `${mark}${JSON.stringify(key)}:`;
      yield* jsonPieces(member);
      mark = ",";
    }
    yield "}";
  }
}

function* textPieces(text: string): Generator<string> {
  yield '"';
  for (let at = 0; at < text.length; at += PIECE_LENGTH) {
    yield JSON.stringify(text.slice(at, at + PIECE_LENGTH)).slice(1, -1);
  }
  yield '"';
}

function holdsLongText(value: unknown): boolean {
  if (typeof value === "string") return value.length > PIECE_LENGTH;
  if (typeof value !== "object" || value === null) return false;
  return (Array.isArray(value) ? value : Object.values(value)).some(holdsLongText);
}
