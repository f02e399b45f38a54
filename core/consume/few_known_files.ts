import type { EventFile } from "../lake/event_file.ts";
import type { FileOutcome } from "../lake/routed_batch.ts";
import type { ClassifiedFiles } from "./known_files.ts";

/** What the ledger holds of a file. */
export type KnownFile = Pick<FileOutcome, "name" | "etag" | "status">;

/** Etags under one name. */
interface Versions {
  ingested: string[];
  changed: string[];
}

/** Known files as long as they are few: a map answers without an engine. */
export class FewKnownFiles {
  readonly #files: KnownFile[] = [];
  readonly #byName = new Map<string, Versions>();

  /** All that were added. */
  get files(): readonly KnownFile[] {
    return this.#files;
  }

  add(files: readonly KnownFile[]): void {
    for (const { name, etag, status } of files) {
      this.#files.push({ name, etag, status });
      let versions = this.#byName.get(name);
      if (versions === undefined) this.#byName.set(name, versions = { ingested: [], changed: [] });
      if (status === "ingested" || status === "changed") versions[status].push(etag);
    }
  }

  unknownNames(names: readonly string[]): Set<string> {
    return new Set(names.filter((name) => !this.#isIngested(this.#byName.get(name))));
  }

  classify(files: readonly EventFile[], asNew: boolean): ClassifiedFiles {
    const result: ClassifiedFiles = { fresh: [], changed: [] };
    for (const file of files) {
      const versions = this.#byName.get(file.name);
      if (versions?.ingested.includes(file.etag)) continue;
      if (asNew || !this.#isIngested(versions)) result.fresh.push(file);
      else if (!versions?.changed.includes(file.etag)) result.changed.push(file);
    }
    return result;
  }

  #isIngested(versions: Versions | undefined): boolean {
    return versions !== undefined && versions.ingested.length > 0;
  }
}
