import { readFileBlocks, writeFileBlocks } from "./scratch.ts";

/** A local text file whose lines all end with LF. */
export interface TextPiece {
  path: string;
  /** No less than the bytes of the longest line. */
  lineBytesMax: number;
}

const NEWLINE = 0x0a;

/** Copies a text in two halves, cut between two lines; undefined where it is one line. */
export async function halveLines(
  path: string,
  halves: readonly [string, string],
): Promise<[TextPiece, TextPiece] | undefined> {
  const { size } = await Deno.stat(path);
  const at = await cutBetweenLines(path, size);
  if (at === undefined) return undefined;
  return [await copyLines(path, 0, at, halves[0]), await copyLines(path, at, size, halves[1])];
}

/** The start of the line nearest to the middle; undefined if there is only one line. */
async function cutBetweenLines(path: string, size: number): Promise<number | undefined> {
  let before: number | undefined;
  let offset = 0;
  for await (const block of readFileBlocks(path)) {
    for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, at + 1)) {
      const start = offset + at + 1;
      if (start >= size) return before;
      if (start >= size / 2) return before !== undefined && size / 2 - before < start - size / 2 ? before : start;
      before = start;
    }
    offset += block.length;
  }
  return before;
}

async function copyLines(path: string, from: number, to: number, target: string): Promise<TextPiece> {
  let lineBytesMax = 0, line = 0;
  async function* measured() {
    for await (const block of readFileBlocks(path, from, to)) {
      let start = 0;
      for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, start)) {
        lineBytesMax = Math.max(lineBytesMax, line + at - start);
        line = 0;
        start = at + 1;
      }
      line += block.length - start;
      yield block;
    }
  }
  await writeFileBlocks(target, measured());
  return { path: target, lineBytesMax };
}
