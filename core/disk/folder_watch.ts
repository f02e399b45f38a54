/**
 * Says when something below a local folder may have changed. Hints only: what counts is the next
 * listing.
 */
export class FolderWatch {
  readonly #watcher: Deno.FsWatcher;

  private constructor(watcher: Deno.FsWatcher) {
    this.#watcher = watcher;
  }

  /**
   * Undefined where the system cannot watch the folder (none there, no watches left): the caller
   * then looks by itself.
   */
  static open(folder: string): FolderWatch | undefined {
    try {
      Deno.mkdirSync(folder, { recursive: true });
      return new FolderWatch(Deno.watchFs(folder, { recursive: true }));
    } catch {
      return undefined;
    }
  }

  /** Calls `notice` at each change until closed. */
  async forEach(notice: () => void): Promise<void> {
    for await (const _event of this.#watcher) notice();
  }

  close(): void {
    this.#watcher.close();
  }
}
