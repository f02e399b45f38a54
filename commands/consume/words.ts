import { counted } from "../../core/base/counted.ts";
import type { Meter } from "../../core/base/meter.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import type { BatchReport, ConsumerReport } from "../../core/consume/batch_report.ts";
import type { Discovery } from "../../core/consume/discover.ts";
import type { UpkeepRecord } from "../../core/lake/upkeep_history.ts";
import type { Context } from "../line/command.ts";
import { formatDuration, formatSize, printNote, printResult } from "../line/output.ts";
import { type Progress, startProgress } from "../line/progress.ts";
import { UpkeepWords } from "./upkeep_words.ts";

/**
 * What `consume` prints while it works: a result for each batch, a note for each file that is
 * skipped.
 */
export class ConsumeWords implements ConsumerReport {
  #pending: Promise<void> = Promise.resolve();
  #batches = 0;
  #files = 0;
  #records = 0;
  #events = 0;
  #deadLetters = 0;
  readonly #upkeep: UpkeepWords;
  readonly #startMs: number;
  readonly #context: Context;
  readonly #progress: Progress;

  constructor(context: Context, meter: Meter) {
    this.#context = context;
    this.#progress = startProgress(context, "Ingesting", meter);
    this.#upkeep = new UpkeepWords(context.clock.nowMs());
    this.#startMs = context.clock.nowMs();
  }

  batch(report: BatchReport): void {
    this.#batches++;
    this.#files += report.files;
    this.#records += report.records;
    this.#events += report.events;
    this.#deadLetters += report.deadLetters;
    this.#say(() => printResult(this.#context, { action: "batch", ...report }, batchLine(report)));
  }

  file(name: string, what: "changed" | "unreadable" | "vanished", detail: string): void {
    if (this.#context.json) {
      this.#say(() => printResult(this.#context, { action: "file", file: name, status: what, detail }, ""));
    } else this.#say(() => printNote(this.#context, `${name} ${what}: ${detail}`));
  }

  note(text: string): void {
    if (this.#context.json) this.#say(() => printResult(this.#context, { action: "note", text }, ""));
    else this.#say(() => printNote(this.#context, text));
  }

  /** By itself for scripts; for people what has gathered, now and then. */
  upkeep(record: UpkeepRecord): void {
    if (this.#context.json) {
      const { format: _format, id: _id, action, ...rest } = record;
      this.#say(() => printResult(this.#context, { action: "upkeep", did: action, ...rest }, ""));
    } else {
      const text = this.#upkeep.add(record, this.#context.clock.nowMs());
      if (text !== undefined) this.note(text);
    }
  }

  trouble(error: StreamlabError, pause: string): void {
    this.#say(() => printNote(this.#context, `${error.message}; trying again in ${pause}`));
  }

  /** Prints the totals, after everything else. */
  async end(discovery?: Discovery, place?: string): Promise<void> {
    if (discovery !== undefined) this.#passedOver(discovery, place!);
    const upkeep = this.#upkeep.take();
    if (upkeep !== undefined && !this.#context.json) this.note(upkeep);
    await this.#pending;
    await this.#progress.end();
    const durationMs = this.#context.clock.nowMs() - this.#startMs;
    if (this.#context.json) return;
    if (this.#batches === 0) return discovery?.seen === 0 ? undefined : await printNote(this.#context, "Nothing new");
    if (this.#batches === 1) return;
    const sum = `${counted(this.#files, "file")}: ${counted(this.#events, "event")}, ` +
      counted(this.#deadLetters, "dead letter");
    await printNote(
      this.#context,
      `${counted(this.#batches, "batch", "batches")}, ${sum} in ${formatDuration(durationMs)}`,
    );
  }

  /** Without this, a wrong place or wrong file names would look as if no file had come. */
  #passedOver({ seen, passedOver: { files, example } }: Discovery, place: string): void {
    if (files > 0) {
      const count = counted(files, "file is", "files are");
      this.note(`${count} passed over, as the name says no format: ${example}; --format says what all files are`);
    } else if (seen === 0) this.note(`Nothing new: nothing lies at ${place}`);
  }

  /** Prints in the order of events. The first failure (a closed pipe) ends the run at `end`. */
  #say(what: () => Promise<void>): void {
    this.#pending = this.#pending.then(() => this.#progress.end()).then(what);
    this.#pending.catch(() => {});
  }
}

function batchLine(report: BatchReport): string {
  const { batchId, files, bytes, records, events, deadLetters, durationMs } = report;
  const rate = durationMs > 0 ? `, ${counted(Math.round(records * 1000 / durationMs), "record")}/s` : "";
  const extra = [
    report.changed > 0 ? `, ${report.changed} changed` : "",
    report.vanished > 0 ? `, ${report.vanished} vanished` : "",
    report.resumed ? ", resumed" : "",
  ].join("");
  return `batch ${batchId}: ${counted(files, "file")} (${formatSize(bytes)}) → ${counted(events, "event")}, ` +
    `${counted(deadLetters, "dead letter")} in ${formatDuration(durationMs)}${rate}${extra}`;
}
