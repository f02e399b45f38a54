import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { IMAGE_HEADER_BYTES, imageEnd, readInsertedPart } from "../../core/disk/program_image.ts";
import { inFolder } from "../support/own_folder.ts";

const TABLE_AT = 100, ENTRIES = 3, ENTRY_BYTES = 64, END = TABLE_AT + ENTRIES * ENTRY_BYTES;

/** As the runtime's, but for what it does. */
function image(): Uint8Array {
  const bytes = new Uint8Array(END), view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode("\x7fELF\x02\x01"));
  view.setBigUint64(0x28, BigInt(TABLE_AT), true);
  view.setUint16(0x3A, ENTRY_BYTES, true);
  view.setUint16(0x3C, ENTRIES, true);
  return bytes;
}

function lengthOf(part: Uint8Array): Uint8Array {
  return Uint8Array.of(part.length, 0, 0, 0, 0, 0, 0, 0);
}

function programOf(folder: string, ...pieces: Uint8Array[]): string {
  Deno.writeFileSync(`${folder}/program`, Uint8Array.from(pieces.flatMap((piece) => [...piece])));
  return `${folder}/program`;
}

Deno.test("the image of a program ends with its table of sections", () => {
  strictEqual(imageEnd(image()), END);
  strictEqual(imageEnd(image().subarray(0, IMAGE_HEADER_BYTES)), END);
});

Deno.test("what is no image that is known has no end", () => {
  strictEqual(imageEnd(new Uint8Array(IMAGE_HEADER_BYTES)), undefined);
  strictEqual(imageEnd(image().subarray(0, IMAGE_HEADER_BYTES - 1)), undefined);
});

Deno.test("a part that was put behind the image is read, and nothing of what follows", () =>
  inFolder((folder) => {
    const part = Uint8Array.of(1, 2, 3), payload = new TextEncoder().encode("d3n0l4nd and so on");
    deepStrictEqual(readInsertedPart(programOf(folder, image(), lengthOf(part), part, payload)), part);
    return Promise.resolve();
  }));

Deno.test("a program without such a part is no program with a very long one", () =>
  inFolder((folder) => {
    const payload = new TextEncoder().encode("d3n0l4nd and so on");
    for (const pieces of [[image(), payload], [image()], [payload], [image(), lengthOf(new Uint8Array(9))]]) {
      throws(() => readInsertedPart(programOf(folder, ...pieces)), /is not laid out as it was built/);
    }
    return Promise.resolve();
  }));
