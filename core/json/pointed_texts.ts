import type { JsonReader } from "./reader.ts";
import { skipValue } from "./skip.ts";

const COMMA = 0x2c, COLON = 0x3a, CLOSE_ARRAY = 0x5d, CLOSE_OBJECT = 0x7d;

/**
 * Reads the value at the reader, and takes the texts of the records that a pointer's steps lead to:
 * an array's elements, or an object. Each is taken before what follows it is read, for that may be
 * cut off.
 */
export function takePointedTexts(reader: JsonReader, steps: readonly string[], take: (text: string) => void): void {
  const [step, ...others] = steps;
  const kind = reader.kind();
  if (kind === "object" && step !== undefined) {
    forEachValue(reader, (key) => key === step ? takePointedTexts(reader, others, take) : void skipValue(reader));
  } else if (kind === "array") {
    let index = 0;
    forEachElement(reader, () => {
      if (step === undefined) take(skippedText(reader));
      else if (step === String(index)) takePointedTexts(reader, others, take);
      else skipValue(reader);
      index++;
    });
  } else if (kind === "object") take(skippedText(reader));
  else skipValue(reader);
}

function skippedText(reader: JsonReader): string {
  reader.peek();
  const from = reader.pos;
  skipValue(reader);
  return reader.text.slice(from, reader.pos);
}

function forEachElement(reader: JsonReader, read: () => void): void {
  reader.pos++;
  if (reader.peek() === CLOSE_ARRAY) {
    reader.pos++;
    return;
  }
  for (;;) {
    read();
    if (reader.peek() === CLOSE_ARRAY) break;
    reader.take(COMMA, "',' or ']'");
  }
  reader.pos++;
}

function forEachValue(reader: JsonReader, read: (key: string) => void): void {
  reader.pos++;
  if (reader.peek() === CLOSE_OBJECT) {
    reader.pos++;
    return;
  }
  for (;;) {
    reader.peek();
    const key = reader.readString();
    reader.take(COLON, "':'");
    read(key);
    if (reader.peek() === CLOSE_OBJECT) break;
    reader.take(COMMA, "',' or '}'");
  }
  reader.pos++;
}
