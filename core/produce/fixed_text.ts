const encoder = new TextEncoder();
const WORD_LENGTH = 8;

/** Text that is written many times, in UTF-8, and cut into words. */
export interface FixedText {
  /**
   * Eight bytes each, the last one filled up with zeros. As doubles, which are moved as they are
   * but for NaN; UTF-8 makes none: its last bytes were 0xf0 to 0xff and 0x7f, or 0xff.
   */
  words: Float64Array;
  /** Bytes. */
  length: number;
}

export function fixedText(text: string): FixedText {
  const bytes = encoder.encode(text);
  const words = new Float64Array(Math.ceil(bytes.length / WORD_LENGTH));
  new Uint8Array(words.buffer).set(bytes);
  return { words, length: bytes.length };
}

/** Writes the text, and up to seven zeros behind it. Returns where it ends. */
export function setFixedText(view: DataView, at: number, { words, length }: FixedText): number {
  for (let i = 0; i < words.length; i++) view.setFloat64(at + WORD_LENGTH * i, words[i]!, true);
  return at + length;
}
