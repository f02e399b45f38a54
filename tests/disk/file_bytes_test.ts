import { deepStrictEqual } from "node:assert/strict";
import { readAt, readAtSync, writeAll, writeAllSync } from "../../core/disk/file_bytes.ts";

Deno.test("all bytes are written, however few a single write takes", async () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
  const taken: number[] = [];
  const writeSync = (piece: Uint8Array) => {
    taken.push(...piece.subarray(0, 3));
    return Math.min(3, piece.length);
  };
  writeAllSync({ writeSync }, bytes);
  await writeAll({ write: (piece) => Promise.resolve(writeSync(piece)) }, bytes);
  deepStrictEqual(taken, [...bytes, ...bytes]);
});

Deno.test("bytes are read from where they are, as far as the file goes", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeFile(path, Uint8Array.of(1, 2, 3, 4, 5));
  {
    using file = await Deno.open(path);
    for (
      const [offset, length, wanted] of [[1, 2, [2, 3]], [3, 9, [4, 5]], [0, 5, [1, 2, 3, 4, 5]], [7, 2, []]] as const
    ) {
      deepStrictEqual([...await readAt(file, offset, length)], wanted);
      deepStrictEqual([...readAtSync(file, offset, length)], wanted);
    }
  }
  await Deno.remove(path);
});
