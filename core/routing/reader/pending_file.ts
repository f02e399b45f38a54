import type { Judgement } from "../../contract/judgement.ts";
import { TextFileWriter } from "../../disk/scratch.ts";
import type { JsonPath } from "../../json/pointer.ts";
import type { HeldRecord, ReadResult } from "./reading.ts";

/** Places of extra fields that a batch remembers; far fewer become columns. */
const EXTRA_PATHS_MAX = 10_000;

/** Records that wait for the columns of their extra fields, in a file a line each. */
export class PendingFile {
  count = 0;
  /** Of the records that come. */
  file = { number: 0, name: "" };
  readonly #path: string;
  #writer: TextFileWriter | undefined;
  readonly #paths = new Map<string, JsonPath>();

  constructor(path: string) {
    this.#path = path;
  }

  add(position: number, raw: string, { extras }: Extract<Judgement, { kind: "event" }>): void {
    for (const { path } of extras) {
      if (this.#paths.size < EXTRA_PATHS_MAX) this.#paths.set(JSON.stringify(path), path);
    }
    const { number, name } = this.file;
    this.#writer ??= new TextFileWriter(this.#path);
    this.#writer.write(JSON.stringify({ file: number, name, position, raw } satisfies HeldRecord) + "\n");
    this.count++;
  }

  close(): Pick<ReadResult, "pending" | "extraPaths"> {
    this.#writer?.close();
    const extraPaths = [...this.#paths.values()];
    if (this.count === 0) return { extraPaths };
    return { pending: { path: this.#path, records: this.count }, extraPaths };
  }
}
