const POWER_MIN = -342, POWER_MAX = 308;
const BITS = 128;

/**
 * The powers of five that reading a double multiplies with, as ../assembly/double.ts has them: of
 * each the 128 highest bits, those of the negative ones rounded up, the lower word first.
 */
export function powersOfFive(): BigUint64Array {
  const words = new BigUint64Array((POWER_MAX - POWER_MIN + 1) * 2);
  let power = 1n;
  for (let exponent = 0; exponent <= -POWER_MIN; exponent++) {
    if (exponent > 0) put(words, -exponent, inverse(power));
    if (exponent <= POWER_MAX) put(words, exponent, highest(power));
    power *= 5n;
  }
  return words;
}

function put(words: BigUint64Array, exponent: number, bits: bigint): void {
  const at = (exponent - POWER_MIN) * 2;
  words[at] = BigInt.asUintN(64, bits);
  words[at + 1] = bits >> 64n;
}

/** The highest bits of a whole number, the first of them set. */
function highest(number: bigint): bigint {
  const length = number.toString(2).length;
  return length <= BITS ? number << BigInt(BITS - length) : number >> BigInt(length - BITS);
}

/** Those of 1 / `number`, which is no power of two. */
function inverse(number: bigint): bigint {
  const length = number.toString(2).length;
  return (1n << BigInt(length - 1 + BITS)) / number + 1n;
}
