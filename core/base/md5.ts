const BLOCK_BYTES = 64;
/** What follows the message in its last block: a bit, and the length in eight bytes. */
const TAIL_BYTES = 9;

/** RFC 1321, 3.4: a sine for each step. */
const SINES = Int32Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));

/**
 * MD5 of many short messages, one after another (RFC 1321): the platform's own takes ten times as
 * long for each, as it makes an object of it. Only where DuckDB must find the same number.
 */
export class Md5 {
  /** The digest, low bytes first. */
  readonly digest = new Int32Array(4);
  readonly #words = new Int32Array(BLOCK_BYTES / 4);
  readonly #block = new DataView(this.#words.buffer);
  readonly #bytes = new Uint8Array(this.#words.buffer);

  /** Computes `digest` of the first `length` bytes. */
  of(message: Uint8Array, length: number): void {
    const { digest } = this;
    digest[0] = 0x67452301;
    digest[1] = 0xefcdab89;
    digest[2] = 0x98badcfe;
    digest[3] = 0x10325476;
    const blocks = Math.ceil((length + TAIL_BYTES) / BLOCK_BYTES);
    for (let block = 0; block < blocks; block++) {
      this.#fill(message, length, block * BLOCK_BYTES);
      if (block === blocks - 1) {
        this.#block.setUint32(BLOCK_BYTES - 8, length * 8, true);
        this.#block.setUint32(BLOCK_BYTES - 4, Math.floor(length / 2 ** 29), true);
      }
      this.#mix();
    }
  }

  #fill(message: Uint8Array, length: number, from: number): void {
    const bytes = this.#bytes;
    const count = Math.max(0, Math.min(BLOCK_BYTES, length - from));
    for (let at = 0; at < count; at++) bytes[at] = message[from + at]!;
    bytes.fill(0, count);
    if (from <= length && count < BLOCK_BYTES) bytes[count] = 0x80;
  }

  #mix(): void {
    const { digest } = this, x = this.#words, t = SINES;
    let a = digest[0]!, b = digest[1]!, c = digest[2]!, d = digest[3]!;
    for (let i = 0; i < 16; i += 4) {
      a = b + turn(a + ((b & c) | (~b & d)) + x[i]! + t[i]!, 7) | 0;
      d = a + turn(d + ((a & b) | (~a & c)) + x[i + 1]! + t[i + 1]!, 12) | 0;
      c = d + turn(c + ((d & a) | (~d & b)) + x[i + 2]! + t[i + 2]!, 17) | 0;
      b = c + turn(b + ((c & d) | (~c & a)) + x[i + 3]! + t[i + 3]!, 22) | 0;
    }
    for (let i = 16, at = 1; i < 32; i += 4, at += 20) {
      a = b + turn(a + ((b & d) | (c & ~d)) + x[at & 15]! + t[i]!, 5) | 0;
      d = a + turn(d + ((a & c) | (b & ~c)) + x[at + 5 & 15]! + t[i + 1]!, 9) | 0;
      c = d + turn(c + ((d & b) | (a & ~b)) + x[at + 10 & 15]! + t[i + 2]!, 14) | 0;
      b = c + turn(b + ((c & a) | (d & ~a)) + x[at + 15 & 15]! + t[i + 3]!, 20) | 0;
    }
    for (let i = 32, at = 5; i < 48; i += 4, at += 12) {
      a = b + turn(a + (b ^ c ^ d) + x[at & 15]! + t[i]!, 4) | 0;
      d = a + turn(d + (a ^ b ^ c) + x[at + 3 & 15]! + t[i + 1]!, 11) | 0;
      c = d + turn(c + (d ^ a ^ b) + x[at + 6 & 15]! + t[i + 2]!, 16) | 0;
      b = c + turn(b + (c ^ d ^ a) + x[at + 9 & 15]! + t[i + 3]!, 23) | 0;
    }
    for (let i = 48, at = 0; i < 64; i += 4, at += 28) {
      a = b + turn(a + (c ^ (b | ~d)) + x[at & 15]! + t[i]!, 6) | 0;
      d = a + turn(d + (b ^ (a | ~c)) + x[at + 7 & 15]! + t[i + 1]!, 10) | 0;
      c = d + turn(c + (a ^ (d | ~b)) + x[at + 14 & 15]! + t[i + 2]!, 15) | 0;
      b = c + turn(b + (d ^ (c | ~a)) + x[at + 21 & 15]! + t[i + 3]!, 21) | 0;
    }
    digest[0]! += a;
    digest[1]! += b;
    digest[2]! += c;
    digest[3]! += d;
  }
}

function turn(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
