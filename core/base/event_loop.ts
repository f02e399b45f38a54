/**
 * Calls `step` for 0 … count - 1. After so many of them everything else that is ready has its turn:
 * the next step of a file that is being written, a signal.
 */
export async function inTurns(count: number, stepsPerTurn: number, step: (index: number) => void): Promise<void> {
  for (let from = 0; from < count; from += stepsPerTurn) {
    await new Promise((resolve) => void setImmediate(resolve));
    allSteps(from, Math.min(from + stepsPerTurn, count), step);
  }
}

/** Apart from the waiting: an asynchronous function's own loop is slower. */
function allSteps(from: number, to: number, step: (index: number) => void): void {
  for (let index = from; index < to; index++) step(index);
}
