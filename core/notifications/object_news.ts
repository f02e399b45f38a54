/** Told of the URIs of objects that may be new. */
export type NewsListener = (uris: readonly string[]) => void;

/**
 * Tells whoever listens of objects that were created. Hints only: what is told may be wrong, late,
 * double or not there at all, so listeners look at the objects, and at all of them now and then.
 */
export class ObjectNews {
  readonly #listeners = new Set<NewsListener>();

  tell(uris: readonly string[]): void {
    if (uris.length === 0) return;
    for (const listener of this.#listeners) listener(uris);
  }

  /** What is returned ends it. */
  listen(listener: NewsListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
