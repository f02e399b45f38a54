import type { Random } from "../base/random.ts";

/** A whole number from `min` to `max`, both included. */
export function intBetween(random: Random, min: number, max: number): number {
  return min + Math.floor(random.next() * (max - min + 1));
}

/** One of `items`, each as likely as the others. */
export function oneOf<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)]!;
}

/**
 * True with the given chance; draws nothing at 0, so that an unused chance leaves the stream as it
 * was.
 */
export function happens(random: Random, chance: number): boolean {
  return chance > 0 && random.next() < chance;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Random ASCII letters, as the original producer's invalid records have them. */
export function randomLetters(random: Random, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) text += LETTERS[Math.floor(random.next() * LETTERS.length)]!;
  return text;
}
