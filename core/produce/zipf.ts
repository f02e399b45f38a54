import type { Random } from "../base/random.ts";

/**
 * Ranks 0 … count - 1, rank r with a weight of 1 / (r + 1): the few do most, as on every shop's
 * site. Walker's alias method in Vose's form: O(count) once, then two draws a sample.
 */
export function zipfRanks(count: number, random: Random): () => number {
  const share = new Float64Array(count);
  const alias = new Int32Array(count);
  let total = 0;
  for (let rank = 0; rank < count; rank++) total += 1 / (rank + 1);
  const small: number[] = [], large: number[] = [];
  for (let rank = 0; rank < count; rank++) {
    share[rank] = count / (rank + 1) / total;
    (share[rank]! < 1 ? small : large).push(rank);
  }
  while (small.length > 0 && large.length > 0) {
    const poor = small.pop()!;
    const rich = large[large.length - 1]!;
    alias[poor] = rich;
    share[rich] = share[rich]! + share[poor]! - 1;
    if (share[rich]! < 1) small.push(large.pop()!);
  }
  // What is left differs from 1 by rounding only.
  for (const rank of [...small, ...large]) share[rank] = 1;
  return () => {
    const rank = Math.floor(random.next() * count);
    return random.next() < share[rank]! ? rank : alias[rank]!;
  };
}
