/**
 * Whether memory was lacking: V8's word for it. Other `RangeError`s are of lengths and places that
 * cannot be, as damaged files have them.
 */
export function isAllocationFailure(error: unknown): boolean {
  return error instanceof RangeError && /allocation failed/i.test(error.message);
}
