import { deepStrictEqual, doesNotMatch, match, ok, rejects, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, createZstdCompress, gzipSync, zstdCompressSync } from "node:zlib";
import { StreamlabError } from "../../core/base/errors.ts";
import { seededRandom } from "../../core/base/random.ts";
import { decompressBytes, DecompressError, decompressFile } from "../../core/disk/decompress.ts";

type Packing = "gzip" | "zstd";

const small = new TextEncoder().encode('[{"user_id":"u1","event_id":"e1"},{"user_id":"u2","event_id":"e2"}]');
const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const pack: Record<Packing, (bytes: Uint8Array) => Uint8Array> = {
  gzip: (bytes) => gzipSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes, checksum),
};

/** Text that compresses somewhat, `length` bytes long. */
function text(length: number): Uint8Array {
  const random = seededRandom(length);
  const letters = "abcdefghijklmnop {}:,";
  return Uint8Array.from({ length }, () => letters.charCodeAt(Math.floor(random.next() * letters.length)));
}

/** As a file; in memory it must come to the same, or be left to the file's way. */
async function unpack(bytes: Uint8Array, packing: Packing): Promise<Uint8Array> {
  const quick = decompressBytes(bytes, packing, 4_000_000);
  const folder = await Deno.makeTempDir({ prefix: "streamlab-" });
  try {
    await Deno.writeFile(`${folder}/packed`, bytes);
    await decompressFile(`${folder}/packed`, `${folder}/unpacked`, packing);
    const unpacked = await Deno.readFile(`${folder}/unpacked`);
    if (quick !== undefined) ok(unpacked.length === quick.length && Buffer.compare(unpacked, quick) === 0);
    return unpacked;
  } catch (error) {
    strictEqual(quick, undefined, `taken in memory: ${error}`);
    throw error;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function streamed(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = createZstdCompress();
  stream.end(bytes);
  const blocks: Uint8Array[] = [];
  for await (const block of stream as AsyncIterable<Uint8Array>) blocks.push(block);
  return Buffer.concat(blocks);
}

for (const packing of ["gzip", "zstd"] as const) {
  Deno.test(`a ${packing} file is unpacked to the bytes it was made of, from none to several blocks`, async () => {
    for (const length of [0, 1, 255, 256, 65_791, 65_792, 131_072, 3_000_000]) {
      const bytes = text(length);
      ok(Buffer.from(bytes).equals(await unpack(pack[packing](bytes), packing)), `${length} bytes`);
    }
  });

  Deno.test(`a small ${packing} file is unpacked in memory, up to a size`, () => {
    for (const length of [1, 255, 256, 70_000]) {
      const bytes = text(length), packed = pack[packing](bytes);
      ok(Buffer.from(bytes).equals(decompressBytes(packed, packing, length)!), `${length} bytes`);
      strictEqual(decompressBytes(packed, packing, length - 1), undefined, `${length} bytes`);
    }
  });

  Deno.test(`several ${packing} pieces in a row are one file`, async () => {
    const large = text(1_500_000);
    const bytes = Buffer.concat([small, large, small]);
    const packed = Buffer.concat([pack[packing](small), pack[packing](large), pack[packing](small)]);
    ok(bytes.equals(await unpack(packed, packing)));
  });

  Deno.test(`a ${packing} file that is cut anywhere is refused`, async () => {
    const one = pack[packing](small);
    const two = Buffer.concat([one, pack[packing](small)]);
    for (let length = 0; length < two.length; length++) {
      if (length === one.length) continue; // a whole file
      await rejects(unpack(two.subarray(0, length), packing), DecompressError, `${length} of ${two.length} bytes`);
    }
  });

  Deno.test(`a ${packing} file of several blocks that is cut is refused`, async () => {
    const packed = pack[packing](text(400_000));
    const random = seededRandom(7);
    for (let i = 0; i < 40; i++) {
      const length = Math.floor(random.next() * packed.length);
      await rejects(
        unpack(packed.subarray(0, length), packing),
        DecompressError,
        `${length} of ${packed.length} bytes`,
      );
    }
  });

  Deno.test(`a ${packing} file with a flipped bit is refused, or still means the same bytes`, async () => {
    const packed = pack[packing](small);
    let refused = 0;
    for (let bit = 0; bit < packed.length * 8; bit++) {
      const flipped = Uint8Array.from(packed);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      try {
        deepStrictEqual(new Uint8Array(await unpack(flipped, packing)), small, `bit ${bit}`);
      } catch (error) {
        ok(error instanceof DecompressError, `bit ${bit}: ${error}`);
        refused++;
      }
    }
    ok(refused > packed.length * 6, `${refused} refused`);
  });

  Deno.test(`bytes after the last ${packing} piece are refused, zeros and one more beginning too`, async () => {
    const packed = pack[packing](small);
    for (
      const tail of [new TextEncoder().encode("garbage"), new Uint8Array(1), new Uint8Array(512), packed.subarray(0, 4)]
    ) {
      await rejects(unpack(Buffer.concat([packed, tail]), packing), DecompressError);
    }
    const large = pack[packing](text(3_000_000));
    await rejects(unpack(Buffer.concat([large, new Uint8Array(2_000_000)]), packing), DecompressError);
  });

  Deno.test(`a file that is no ${packing} at all is refused`, async () => {
    await rejects(unpack(new Uint8Array(), packing), DecompressError);
    await rejects(unpack(small, packing), DecompressError);
    await rejects(unpack(pack[packing === "gzip" ? "zstd" : "gzip"](small), packing), DecompressError);
  });
}

Deno.test("zstd frames without a content size are unpacked, and refused where they are cut", async () => {
  const bytes = text(300_000);
  const packed = await streamed(bytes);
  ok(Buffer.from(bytes).equals(await unpack(packed, "zstd")));
  for (const missing of [1, 2, 3, 1_000, 131_000]) {
    await rejects(unpack(packed.subarray(0, packed.length - missing), "zstd"), DecompressError);
  }
});

Deno.test("a zstd block of one repeated byte is unpacked without holding it all", async () => {
  const length = 64_000_000;
  const packed = zstdCompressSync(new Uint8Array(length), checksum);
  strictEqual((await unpack(packed, "zstd")).length, length);
});

Deno.test("skippable zstd frames are skipped wherever they stand, and cut ones refused", async () => {
  const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
  const packed = pack.zstd(small);
  const whole = Buffer.concat([skippable, packed, skippable, packed, skippable]);
  ok(Buffer.concat([small, small]).equals(await unpack(whole, "zstd")));
  for (let missing = 1; missing < skippable.length; missing++) {
    await rejects(unpack(whole.subarray(0, whole.length - missing), "zstd"), DecompressError);
  }
});

Deno.test("a zstd frame that does not hold what its header promises is refused", async () => {
  // A single segment with a one-byte content size, of one raw block (RFC 8878, sections 3.1.1.1 and
  // 3.1.1.2).
  const frame = (size: number) =>
    Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, size, (small.length << 3 | 1) & 255, small.length >> 5, 0, ...small);
  ok(Buffer.from(small).equals(await unpack(frame(small.length), "zstd")));
  await rejects(unpack(frame(small.length + 1), "zstd"), DecompressError);
  await rejects(unpack(frame(small.length - 1), "zstd"), DecompressError);
});

Deno.test("a failing disk is not taken for a damaged file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-" });
  try {
    await Deno.writeFile(`${folder}/packed`, pack.zstd(small));
    const writing = decompressFile(`${folder}/packed`, `${folder}/missing/unpacked`, "zstd");
    await rejects(writing, (error) => !(error instanceof DecompressError));
    await rejects(decompressFile(`${folder}/absent`, `${folder}/unpacked`, "gzip"), Deno.errors.NotFound);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a full disk is reported as such while unpacking", { ignore: !(await hasFullDevice()) }, async () => {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-" });
  try {
    await Deno.writeFile(`${folder}/packed`, pack.gzip(text(3_000_000)));
    await rejects(decompressFile(`${folder}/packed`, "/dev/full", "gzip"), (error) => {
      ok(error instanceof StreamlabError);
      strictEqual(error.kind, "unavailable");
      return true;
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function hasFullDevice(): Promise<boolean> {
  try {
    return (await Deno.stat("/dev/full")).isCharDevice === true;
  } catch {
    return false;
  }
}

Deno.test("a zstd file that is damaged after more than a chunk has come out of it is refused, and nothing is thrown beside", async () => {
  // A megabyte of one byte, a few changed far inside; Deno threw where nobody could catch it.
  const text = [
    "KLUv/QBYVAAAEAAAAQD7/znAAgIAEAACABAAAgAQAIJXV7z7ZkBts/Z/rOXnxIEbSgDcMxd+jNY9TyWgso27x6jqK4fqdzfqxCae",
    "eLUpaNREq5EcXvrblbdeKT0IwB2TVgAQAAIAEAACABAAAgAQAAIAEAACABAAAgAQAAIigXO0eoAacQoy+i2D2gAQAAIAEAACABAA",
    "AgAQABvWAwA=",
  ].join("");
  await rejects(unpack(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)), "zstd"), DecompressError);
});

Deno.test("what unpacks to far more than its size, and to no text where text is expected, is given up", async () => {
  const folder = await Deno.makeTempDir({ prefix: "streamlab-" });
  try {
    const [source, target] = [`${folder}/packed`, `${folder}/unpacked`];
    for (const packing of ["gzip", "zstd"] as const) {
      await Deno.writeFile(source, pack[packing](new Uint8Array(3_000_000).fill(0x20)));
      const bounds = { sizeMax: 2_000_000, ratioMax: 100 };
      await rejects(decompressFile(source, target, packing, bounds), /unpacks to more than 100 times its size/);
      strictEqual(await decompressFile(source, target, packing, { ...bounds, ratioMax: 1e6, isText: true }), 3_000_000);
      await Deno.writeFile(source, pack[packing](new Uint8Array(3_000_000)));
      await rejects(decompressFile(source, target, packing, { isText: true }), /^Error: unpacks to binary data/);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bytes of no known kind are not called plain text, and text is", async () => {
  const bytes = Uint8Array.from({ length: 100 }, (_each, index) => (index * 37 + 200) % 256);
  const refused = (content: Uint8Array) => unpack(content, "gzip").then(() => "read", ({ message }) => message);
  doesNotMatch(await refused(bytes), /plain text/);
  match(await refused(new TextEncoder().encode('[{"id":1}]')), /^not gzip: plain text by its first bytes$/);
});
