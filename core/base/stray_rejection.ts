const harmless: ((reason: unknown) => boolean)[] = [];

/**
 * From now on a rejected promise that nothing holds does not end the process if `isHarmless` knows
 * its reason: for a runtime that reports one failure twice.
 */
export function surviveStray(isHarmless: (reason: unknown) => boolean): void {
  if (harmless.length === 0) {
    globalThis.addEventListener("unhandledrejection", (event) => {
      if (isHarmlessStray(event.reason)) event.preventDefault();
    });
  }
  harmless.push(isHarmless);
}

/** For handlers of the same event that come first, as that of `main.ts` does. */
export function isHarmlessStray(reason: unknown): boolean {
  return harmless.some((isHarmless) => isHarmless(reason));
}
