import type { Judgement } from "../../contract/judgement.ts";
import { TextFileWriter } from "../../disk/scratch.ts";
import { compareExtraPaths, type ExtraPath, type HeldRecord, type ReadResult } from "./reading.ts";

/** Places of extra fields that a batch remembers; far fewer become columns. */
const EXTRA_PATHS_MAX = 10_000;

/** Records that wait for the columns of their extra fields, in a file a line each. */
export class PendingFile {
  count = 0;
  /** Of the records that come. */
  file = { number: 0, name: "" };
  readonly #path: string;
  #writer: TextFileWriter | undefined;
  readonly #paths = new Map<string, ExtraPath>();

  constructor(path: string) {
    this.#path = path;
  }

  add(position: number, raw: string, { extras }: Extract<Judgement, { kind: "event" }>): void {
    const { number, name } = this.file;
    for (const [index, { path }] of extras.entries()) this.#note({ path, file: number, position, index });
    this.#writer ??= new TextFileWriter(this.#path);
    this.#writer.write(JSON.stringify({ file: number, name, position, raw } satisfies HeldRecord) + "\n");
    this.count++;
  }

  #note(extra: ExtraPath): void {
    const key = JSON.stringify(extra.path);
    const known = this.#paths.get(key);
    if (known === undefined ? this.#paths.size < EXTRA_PATHS_MAX : compareExtraPaths(extra, known) < 0) {
      this.#paths.set(key, extra);
    }
  }

  close(): Pick<ReadResult, "pending" | "extraPaths"> {
    this.#writer?.close();
    const extraPaths = [...this.#paths.values()];
    if (this.count === 0) return { extraPaths };
    return { pending: { path: this.#path, records: this.count }, extraPaths };
  }
}
