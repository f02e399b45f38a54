/** Event files of a hostile producer, by seed: what they are, their names and bytes. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Random } from "../../core/base/random.ts";

export interface HostileFile {
  name: string;
  bytes: Uint8Array;
}

/** Sound files that are damaged, by the ends of their names. */
export type SoundFiles = Readonly<Record<".json" | ".ndjson" | ".parquet", readonly Uint8Array[]>>;

const encoder = new TextEncoder();
const encode = (text: string) => encoder.encode(text);

function below(random: Random, max: number): number {
  return Math.floor(random.next() * max);
}

function oneOf<T>(random: Random, items: readonly T[]): T {
  return items[below(random, items.length)]!;
}

const ENDINGS = [".json", ".ndjson", ".parquet"] as const;

/** Bytes changed, cut, doubled or put in. */
function damaged(sound: Uint8Array, random: Random): Uint8Array {
  let bytes = sound.slice();
  for (let count = 1 + below(random, 8); count > 0 && bytes.length > 8; count--) {
    const at = below(random, bytes.length);
    switch (below(random, 6)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1:
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...random.bytes(below(random, 40)), ...bytes.subarray(at));
        break;
      case 2:
        bytes = Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(Math.max(0, at - 50)));
        break;
      default:
        bytes[at]! ^= 1 << below(random, 8);
    }
  }
  return bytes;
}

/** Texts that are large, deep or wide in one way each. */
const shapes: readonly ((random: Random) => string)[] = [
  (random) => "[".repeat(below(random, 300_000)),
  (random) => `{"a":${"[".repeat(below(random, 100_000))}`,
  (random) => `{"x":"${"y".repeat(below(random, 3_000_000))}"}`,
  (random) => `{"x":${"9".repeat(below(random, 1_000_000))}}`,
  (random) => `{"x":-0.${"0".repeat(below(random, 100_000))}1e-${"9".repeat(below(random, 500))}}`,
  (random) => `{"x":[${"1,".repeat(below(random, 1_200_000))}1]}`,
  (random) => `{${Array.from({ length: below(random, 20_000) }, (_, i) => `"k${i}":${i}`).join(",")}}`,
  (random) => `{"properties":{${Array.from({ length: below(random, 5_000) }, (_, i) => `"k${i}":"v"`).join(",")}}}`,
  (random) => "{}\n".repeat(below(random, 2_000)),
  (random) => " ".repeat(below(random, 2_000_000)),
  (random) => "\n".repeat(below(random, 500_000)),
  (random) => `"${"\\ud800".repeat(below(random, 10_000))}"`,
  (random) => "\0".repeat(below(random, 2_000_000)),
];

function shaped(random: Random): Uint8Array {
  const text = oneOf(random, shapes)(random);
  return encode(random.next() < 0.5 ? text : `[${text}]`);
}

/** What unpacks to a thousand times its size. */
function bomb(random: Random): Uint8Array {
  const unpacked = new Uint8Array(1_000_000 * (1 + below(random, 16))).fill(oneOf(random, [0, 0x20, 0x5b, 0x31, 0x0a]));
  return random.next() < 0.5 ? gzipSync(unpacked) : zstdCompressSync(unpacked);
}

function content(random: Random, sound: SoundFiles): { ending: string; bytes: Uint8Array } {
  const ending = oneOf(random, ENDINGS);
  const kind = random.next();
  if (kind < 0.15) return { ending, bytes: random.bytes(below(random, 20_000)) };
  if (kind < 0.7) return { ending, bytes: damaged(oneOf(random, sound[ending]), random) };
  if (kind < 0.75) return { ending, bytes: oneOf(random, sound[oneOf(random, ENDINGS)]) };
  if (kind < 0.77) {
    return { ending: `${oneOf(random, [".json", ".ndjson"])}${oneOf(random, [".gz", ".zst"])}`, bytes: bomb(random) };
  }
  return { ending: oneOf(random, [".json", ".ndjson"]), bytes: shaped(random) };
}

export function hostileFile(number: number, random: Random, sound: SoundFiles): HostileFile {
  let { ending, bytes } = content(random, sound);
  if (!/gz|zst|parquet/.test(ending) && random.next() < 0.3) {
    const gzip = random.next() < 0.5;
    ending += gzip ? ".gz" : ".zst";
    bytes = gzip ? gzipSync(bytes) : zstdCompressSync(bytes);
    if (random.next() < 0.5) bytes = damaged(bytes, random);
  }
  return { name: `h${number.toString().padStart(5, "0")}${ending}`, bytes };
}
