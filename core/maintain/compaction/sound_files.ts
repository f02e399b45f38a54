import { stopped, StreamlabError } from "../../base/errors.ts";
import type { DataFile } from "../../iceberg/format/data_file.ts";
import type { LocalFiles } from "../../tables/read/local_files.ts";
import { checkPagesAt } from "../../tables/read/parquet/page_checks.ts";

/**
 * The files of a rewrite on this disk. Each is looked at before its rows are read: they replace the
 * file, and what was damaged could not be told from what was written any more.
 */
export class SoundFiles {
  readonly #local: LocalFiles;
  readonly #stop: AbortSignal | undefined;
  readonly #paths = new Map<string, Promise<string>>();

  constructor(local: LocalFiles, stop?: AbortSignal) {
    this.#local = local;
    this.#stop = stop;
  }

  /** Fails with `corrupt` for a damaged file, and with `usage` for one that is no Parquet. */
  pathOf(file: DataFile): Promise<string> {
    const known = this.#paths.get(file.path);
    if (known !== undefined) return known;
    const path = this.#checked(file);
    this.#paths.set(file.path, path);
    return path;
  }

  async #checked(file: DataFile): Promise<string> {
    const path = await this.#local.pathOf(file);
    if (this.#stop?.aborted) throw stopped(`reading ${file.path}`);
    const check = await checkPagesAt(path);
    if (check?.state === "damaged") throw damagedError(file.path, check.where);
    return path;
  }

  /** Removes copies that are no longer needed. */
  async forget(files: readonly DataFile[]): Promise<void> {
    for (const { path } of files) this.#paths.delete(path);
    await this.#local.forget(files);
  }
}

/** Names the file, so that others can be rewritten without it. */
export class DamagedFileError extends StreamlabError {
  readonly path: string;

  constructor(path: string, { kind, message, hint }: StreamlabError) {
    super(kind, message, { hint });
    this.path = path;
  }
}

export function damagedError(path: string, where: string): DamagedFileError {
  const error = new StreamlabError("corrupt", `Cannot rewrite ${path}: it is damaged, ${where}`, {
    hint: "Nothing was changed; restore the file from a copy of the lake",
  });
  return new DamagedFileError(path, error);
}
