import type { EventFile } from "../lake/event_file.ts";
import type { ClassifiedFiles, KnownFile } from "./known_files.ts";

/** Etags under one name. */
interface Versions {
  /** Each with the last batch that has it as that. */
  ingested: Map<string, number>;
  changed: Map<string, number>;
  /** The last batch that took away what the tables had of earlier versions; 0 for none. */
  reingestedBy: number;
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
    for (const { name, etag, status, batchId } of files) {
      this.#files.push({ name, etag, status, batchId });
      let versions = this.#byName.get(name);
      if (versions === undefined) {
        this.#byName.set(name, versions = { ingested: new Map(), changed: new Map(), reingestedBy: 0 });
      }
      // The ledger's files are read in any order.
      if (status === "ingested" || status === "changed") {
        versions[status].set(etag, Math.max(batchId, versions[status].get(etag) ?? 0));
      }
      if (status === "reingested") versions.reingestedBy = Math.max(batchId, versions.reingestedBy);
    }
  }

  unknownNames(names: readonly string[]): Set<string> {
    return new Set(names.filter((name) => !isAnyIngested(this.#byName.get(name))));
  }

  classify(files: readonly EventFile[], asNew: boolean): ClassifiedFiles {
    const result: ClassifiedFiles = { fresh: [], changed: [] };
    for (const file of files) {
      const versions = this.#byName.get(file.name);
      if (isNoted(versions, file.etag, "ingested")) continue;
      if (asNew || !isAnyIngested(versions)) result.fresh.push(file);
      else if (!isNoted(versions, file.etag, "changed")) result.changed.push(file);
    }
    return result;
  }
}

function isAnyIngested(versions: Versions | undefined): boolean {
  return versions !== undefined && [...versions.ingested.keys()].some((etag) => isNoted(versions, etag, "ingested"));
}

/**
 * What a reingest has replaced has no rows any more: put back, it is another version to ingest, and
 * one to be told of again.
 */
function isNoted(versions: Versions | undefined, etag: string, status: "ingested" | "changed"): boolean {
  const batchId = versions?.[status].get(etag);
  return batchId !== undefined && batchId >= versions!.reingestedBy;
}
