/**
 * The candidate that a mistyped word most likely meant: at most a third of its length in edits
 * away, or begun by it, or undefined.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  const prefixed = word.length >= 3 ? candidates.find((candidate) => candidate.startsWith(word)) : undefined;
  const limit = Math.ceil(Math.max(word.length, best?.length ?? 0) / 3);
  return bestDistance <= limit ? best : prefixed;
}

/**
 * Optimal string alignment: insertions, deletions, replacements and swaps of neighbours cost one
 * each.
 */
export function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, j) => j);
  for (let i = 1; i <= left.length; i++) {
    const current = [i];
    for (let j = 1; j <= right.length; j++) {
      const cost = left[i - 1] === right[j - 1] ? 0 : 1;
      let distance = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + cost);
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      if (swapped) distance = Math.min(distance, before[j - 2]! + 1);
      current.push(distance);
    }
    [before, previous] = [previous, current];
  }
  return previous[right.length]!;
}
