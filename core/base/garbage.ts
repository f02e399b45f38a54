import process from "node:process";

/** V8's own, with what it may be asked for. */
type Collect = (options?: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;

let known: Collect | undefined;

/**
 * Collects this thread's garbage now: V8 by itself waits for limits of its own, which know nothing
 * of other threads or of what this process shall take. Loaded when it is first needed: it takes 10
 * ms.
 */
export function collectGarbage(): void {
  known ??= loadCollect();
  known();
}

/**
 * As `collectGarbage`, and gives memory back that V8 keeps for later, and moves what it needs
 * together: it takes twice as long.
 */
export function giveMemoryBack(): void {
  known ??= loadCollect();
  known({ type: "major", execution: "sync", flavor: "last-resort" });
}

/**
 * A compiled program has been made with it (tools/build.ts). What a runtime does not offer is done
 * without: then V8 collects when it sees fit.
 */
function loadCollect(): Collect {
  const { gc } = globalThis as { gc?: Collect };
  if (gc !== undefined) return gc;
  try {
    const { setFlagsFromString } = process.getBuiltinModule("node:v8");
    const { runInNewContext } = process.getBuiltinModule("node:vm");
    // A context that is made with this flag has it; ours was made before.
    setFlagsFromString("--expose-gc");
    return runInNewContext("gc") as Collect;
  } catch {
    return () => {};
  }
}
