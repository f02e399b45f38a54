/** UTF-16 units of a text that are escaped together. */
const PIECE_LENGTH = 1 << 16;

/**
 * What `JSON.stringify` writes for plain data, in pieces. Escaping, joining and encoding a text of
 * megabytes at once would take many times its size. A surrogate pair may become two escapes; every
 * JSON reader joins them.
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
