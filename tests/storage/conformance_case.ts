import type { Store } from "../../core/storage/store.ts";

/** One sentence of the contract, and the proof on an empty store. */
export interface ConformanceCase {
  name: string;
  run: (store: Store) => Promise<void>;
}

export function bytes(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

export function text(content: Uint8Array): string {
  return new TextDecoder().decode(content);
}

export async function pathsOf(store: Store, prefix: string, after?: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of store.list(prefix, after === undefined ? {} : { after })) paths.push(path);
  return paths;
}
