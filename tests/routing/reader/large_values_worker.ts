/** Holds large values, one after another, and looks whether others hold any meanwhile. */
import { LargeValues } from "../../../core/routing/reader/large_values.ts";

export interface LargeValuesOrder {
  bytesMax: number;
  held: SharedArrayBuffer;
  sizes: readonly number[];
  /** By `SEEN`. */
  seen: SharedArrayBuffer;
}

/** Values that are held now, that were held in all, and that were held beside another. */
export const SEEN = { now: 0, total: 1, together: 2 } as const;

function holdAll({ bytesMax, held, sizes, seen: shared }: LargeValuesOrder): void {
  const large = new LargeValues({ bytesMax, held });
  const seen = new Int32Array(shared);
  for (const size of sizes) {
    large.hold(size, () => {
      let others = Atomics.add(seen, SEEN.now, 1);
      for (let look = 0; look < 100_000; look++) others += Atomics.load(seen, SEEN.now) - 1;
      if (others > 0) Atomics.add(seen, SEEN.together, 1);
      Atomics.add(seen, SEEN.total, 1);
      Atomics.sub(seen, SEEN.now, 1);
    });
  }
}

interface WorkerScope {
  onmessage: (event: MessageEvent<LargeValuesOrder>) => void;
  postMessage(done: boolean): void;
}

const scope = self as unknown as WorkerScope;
scope.onmessage = ({ data }) => {
  holdAll(data);
  scope.postMessage(true);
};
