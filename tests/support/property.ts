import fc from "fast-check";
import { seedHint, wantedSeed } from "./seed.ts";

/**
 * fast-check as every test uses it: STREAMLAB_SEED is taken as the seed of all properties, and a
 * property that fails prints the one that it had, and the error after the example.
 */
fc.configureGlobal({
  ...(wantedSeed !== undefined && { seed: wantedSeed }),
  reporter: (details) => {
    if (!details.failed) return;
    const message = `${fc.defaultReportMessage(details)}\n${seedHint(details.seed)}`;
    throw new Error(message, { cause: details.errorInstance });
  },
});

export { default } from "fast-check";
