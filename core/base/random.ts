/**
 * Chance as an argument: systemRandom in production, a seeded one in tests and in `produce --seed`.
 */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = {
  next() {
    const words = crypto.getRandomValues(new Uint32Array(2));
    return ((words[0]! >>> 5) * 0x4000000 + (words[1]! >>> 6)) / 0x20000000000000;
  },
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/**
 * sfc32 (Chris Doty-Humphrey's Small Fast Counting generator), seeded through splitmix32. Same
 * seed, same numbers, on every machine.
 */
export function seededRandom(seed: number): Random {
  let mix = seed >>> 0;
  const split = () => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let a = split(), b = split(), c = split(), counter = 1;
  const word = () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 12; i++) word();
  return {
    next: () => ((word() >>> 5) * 0x4000000 + (word() >>> 6)) / 0x20000000000000,
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i++) bytes[i] = word();
      return bytes;
    },
  };
}

/** A version 4 UUID (RFC 9562, section 5.4). */
export function uuidV4(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return formatUuid(bytes);
}

/** A version 7 UUID (RFC 9562, section 5.7): names made of it sort by `unixMs`. */
export function uuidV7(random: Random, unixMs: number): string {
  const bytes = random.bytes(16);
  let rest = unixMs;
  for (let i = 5; i >= 0; i--) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return formatUuid(bytes);
}

/** The text of 16 bytes (RFC 9562, section 4). */
export function formatUuid(bytes: Uint8Array): string {
  const hex = bytes.toHex();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
