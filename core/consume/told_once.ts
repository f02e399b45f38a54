import type { ConsumerReport } from "./batch_report.ts";
import type { Note } from "./notes.ts";

/** Tells each thing once, however often it is met. */
export class ToldOnce {
  readonly #told = new Set<string>();
  readonly #report: ConsumerReport;

  constructor(report: ConsumerReport) {
    this.#report = report;
  }

  note({ reason, text }: Note): void {
    if (this.#isNew(reason)) this.#report.note(text);
  }

  unreadable(name: string, detail: string): void {
    if (this.#isNew(name)) this.#report.file(name, "unreadable", detail);
  }

  #isNew(key: string): boolean {
    const isNew = !this.#told.has(key);
    this.#told.add(key);
    return isNew;
  }
}
