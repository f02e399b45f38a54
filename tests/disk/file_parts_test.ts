import { deepStrictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { FileAppender } from "../../core/disk/file_appender.ts";
import { FilePartReader } from "../../core/disk/scratch.ts";

Deno.test("parts of files are read from where they are, in any order and way", async () => {
  const folder = await Deno.makeTempDir();
  const [first, second] = [`${folder}/first`, `${folder}/second`];
  await Deno.writeFile(first, Uint8Array.of(1, 2, 3, 4, 5));
  await Deno.writeFile(second, Uint8Array.of(6, 7, 8));
  const reader = new FilePartReader();
  const into = (path: string, offset: number, length: number) => {
    const target = new Uint8Array(length);
    return [...target.subarray(0, reader.readInto(path, offset, target))];
  };
  const visited = (path: string, offset: number, size: number) => {
    const found: number[] = [];
    reader.visit(path, offset, size, (block) => found.push(...block) > 0);
    return found;
  };
  deepStrictEqual(into(first, 0, 2), [1, 2]);
  deepStrictEqual(into(first, 2, 2), [3, 4]);
  deepStrictEqual(into(first, 0, 9), [1, 2, 3, 4, 5]);
  deepStrictEqual(into(first, 5, 2), []);
  deepStrictEqual(into(first, 3, 1), [4]);
  deepStrictEqual([...reader.read(first, 1, 2)], [2, 3]);
  deepStrictEqual(into(first, 0, 2), [1, 2]);
  deepStrictEqual(visited(first, 1, 3), [2, 3, 4]);
  deepStrictEqual(into(first, 2, 2), [3, 4]);
  deepStrictEqual(into(second, 0, 2), [6, 7]);
  deepStrictEqual(into(first, 0, 1), [1]);
  deepStrictEqual(into(second, 1, 2), [7, 8]);
  reader.close();
  deepStrictEqual(into(second, 0, 1), [6]);
  reader.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("parts of any size stand in a file in the order in which they were added", async () => {
  const folder = await Deno.makeTempDir();
  const appender = new FileAppender(`${folder}/made`);
  const parts = [3, 70_000, 5, 0, 9, 65_536, 65_535, 200_000, 1, 900_000, 2].map((length, index) =>
    new Uint8Array(length).fill(index + 1)
  );
  for (const [index, part] of parts.entries()) {
    appender.append(part);
    if (index === 2) appender.gather();
    if (index === 4) appender.close();
  }
  appender.close();
  const wanted = Buffer.concat(parts);
  deepStrictEqual(wanted.compare(await Deno.readFile(`${folder}/made`)), 0);
  deepStrictEqual(appender.size, wanted.length);
  await Deno.remove(folder, { recursive: true });
});
