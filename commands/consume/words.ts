import { counted } from "../../core/base/counted.ts";
import type { Meter } from "../../core/base/meter.ts";
import { StreamlabError } from "../../core/base/errors.ts";
import type { BatchReport, ConsumerReport } from "../../core/consume/batch_report.ts";
import type { Discovery } from "../../core/consume/discover.ts";
import type { UpkeepRecord } from "../../core/lake/upkeep_history.ts";
import { type Context, isSupervisorsStop } from "../line/command.ts";
import { formatDuration, formatSize, printMessage, printResult, type ScriptRecord, timeText } from "../line/output.ts";
import { type Doing, type Progress, startProgress } from "../line/progress.ts";
import { visibleText } from "../../core/base/visible_text.ts";
import { IdleLine } from "./idle_line.ts";
import { UpkeepWords } from "./upkeep_words.ts";

export interface WordsOptions {
  /** `bronze.events` */
  table: string;
  /** Whether lines of other targets stand among these. */
  isOneOfMany: boolean;
}

/**
 * What `consume` prints while it works: a result for each batch, a note for each file that is
 * skipped. Off a terminal each line begins with the time and the table.
 */
export class ConsumeWords implements ConsumerReport {
  #pending: Promise<void> = Promise.resolve();
  #batches = 0;
  #files = 0;
  #records = 0;
  #events = 0;
  #deadLetters = 0;
  #underWay: number | undefined;
  readonly #upkeep: UpkeepWords;
  readonly #startMs: number;
  readonly #context: Context;
  readonly #options: WordsOptions;
  readonly #progress: Progress;
  readonly #idle: IdleLine;

  constructor(context: Context, meter: Meter, options: WordsOptions) {
    this.#context = context;
    this.#options = options;
    this.#progress = startProgress(context, () => this.#doing(), meter);
    this.#idle = new IdleLine(context, {
      redraws: context.isTerminal.stderr && !context.jsonMessages && !options.isOneOfMany,
      say: (record, text) => this.#tell(record, text),
    });
    this.#upkeep = new UpkeepWords(context.clock.nowMs());
    this.#startMs = context.clock.nowMs();
    context.signal.addEventListener("abort", () => this.#stops(), { once: true });
  }

  /** Where new files are waited for. */
  watches(place: string): void {
    this.note(`Watching ${place} for ${this.#options.table}; Ctrl-C stops after the batch under way`);
  }

  /** Another consumer is running, and waited for. */
  waits(heldBy: string): void {
    this.note(`Waiting for ${this.#options.table}: another consumer is running (${heldBy})`);
  }

  /** Asked to stop before it had its turn. */
  async stoppedWaiting(): Promise<void> {
    this.note("Stopped waiting: nothing was ingested");
    await this.#pending;
  }

  started({ batchId }: { batchId: number }): void {
    this.#idle.end();
    this.#underWay = batchId;
  }

  idle(): void {
    this.#idle.begin();
  }

  batch(report: BatchReport): void {
    this.#underWay = undefined;
    this.#idle.lastBatch = { batchId: report.batchId, doneMs: this.#context.clock.nowMs() };
    this.#batches++;
    this.#files += report.files;
    this.#records += report.records;
    this.#events += report.events;
    this.#deadLetters += report.deadLetters;
    this.#result({ action: "batch", ...report }, batchLine(report));
  }

  file(name: string, what: "changed" | "unreadable" | "vanished", detail: string): void {
    if (this.#context.json) this.#result({ action: "file", file: name, status: what, detail }, "");
    else this.#tell({ action: "file", file: name, status: what, detail }, `${name} ${what}: ${detail}`);
  }

  note(text: string): void {
    this.#tell({ action: "note", text }, text);
  }

  /** By itself for scripts; for people what has gathered, now and then. */
  upkeep(record: UpkeepRecord): void {
    if (this.#context.json) {
      const { format: _format, id: _id, action, ...rest } = record;
      this.#result({ action: "upkeep", did: action, ...rest }, "");
    } else {
      const text = this.#upkeep.add(record, this.#context.clock.nowMs());
      if (text !== undefined) this.note(text);
    }
  }

  trouble(error: StreamlabError, pause: string): void {
    this.#idle.end();
    const { kind, message } = error;
    this.#tell({ action: "trouble", kind, message, pause }, `${message}; trying again in ${pause}`);
  }

  /** Prints the totals, after everything else. */
  async end(discovery?: Discovery, place?: string): Promise<void> {
    this.#idle.end();
    // A wrong place would look as if no file had come.
    if (discovery?.seen === 0 && discovery.passedOver.files === 0) this.note(`Nothing new: nothing lies at ${place}`);
    const upkeep = this.#upkeep.take();
    if (upkeep !== undefined && !this.#context.json) this.note(upkeep);
    const total = this.#total(discovery);
    if (total !== undefined && !this.#context.json) this.note(total);
    await this.#pending;
    await this.#progress.end();
  }

  #total(discovery: Discovery | undefined): string | undefined {
    if (this.#batches === 0) return discovery?.seen === 0 ? undefined : "Nothing new";
    if (this.#batches === 1) return undefined;
    const durationMs = this.#context.clock.nowMs() - this.#startMs;
    const sum = `${counted(this.#files, "file")}: ${counted(this.#events, "event")}, ` +
      counted(this.#deadLetters, "dead letter");
    return `${counted(this.#batches, "batch", "batches")}, ${sum} in ${formatDuration(durationMs)}`;
  }

  /** Whoever has asked to stop is told what is waited for. */
  #stops(): void {
    this.#idle.end();
    if (this.#underWay === undefined) return;
    const now = isSupervisorsStop(this.#context.signal) ? "" : "; Ctrl-C again stops now, which is safe, too";
    this.note(`Finishing batch ${this.#underWay}${now}`);
  }

  #doing(): Doing {
    const { table, isOneOfMany } = this.#options;
    const batch = this.#underWay === undefined ? "" : ` batch ${this.#underWay}`;
    const of = isOneOfMany || !this.#context.isTerminal.stderr ? ` of ${table}` : "";
    return { label: `Ingesting${batch}${of}`, record: { table, batchId: this.#underWay ?? null } };
  }

  #result(record: ScriptRecord, text: string): void {
    const line = this.#lineStart(this.#context.isTerminal.stdout) + text;
    this.#say(() => printResult(this.#context, { ...record, table: this.#options.table }, line));
  }

  #tell(record: ScriptRecord, text: string): void {
    const line = visibleText(this.#lineStart(this.#context.isTerminal.stderr) + text);
    this.#say(() => printMessage(this.#context, { ...record, table: this.#options.table }, line));
  }

  #lineStart(isTerminal: boolean): string {
    const { table, isOneOfMany } = this.#options;
    if (isTerminal) return isOneOfMany ? `${table} ` : "";
    return `${timeText(this.#context)} ${table} `;
  }

  /** Prints in the order of events. The first failure (a closed pipe) ends the run at `end`. */
  #say(what: () => Promise<void>): void {
    this.#pending = this.#pending.then(() => this.#idle.clear()).then(() => this.#progress.end()).then(what);
    this.#pending.catch(() => {});
  }
}

function batchLine(report: BatchReport): string {
  const { batchId, files, bytes, records, events, deadLetters, durationMs, replayed } = report;
  if (replayed !== undefined) {
    return `batch ${batchId}: ${counted(replayed, "dead letter")} judged again → ${counted(events, "event")} in ` +
      `${formatDuration(durationMs)}${report.resumed ? ", resumed" : ""}`;
  }
  const rate = durationMs > 0 ? `, ${counted(Math.round(records * 1000 / durationMs), "record")}/s` : "";
  const extra = [
    report.duplicates > 0 ? `, ${counted(report.duplicates, "repeat")} dropped` : "",
    report.superseded ? `, ${counted(report.superseded, "record")} superseded` : "",
    report.empty > 0 ? `, ${counted(report.empty, "empty file")}` : "",
    report.changed > 0 ? `, ${report.changed} changed` : "",
    report.vanished > 0 ? `, ${report.vanished} vanished` : "",
    report.resumed ? ", resumed" : "",
  ].join("");
  const what = `${counted(files, "file")}${report.reingested === undefined ? "" : " ingested again"}`;
  return `batch ${batchId}: ${what} (${formatSize(bytes)}) → ${counted(events, "event")}, ` +
    `${counted(deadLetters, "dead letter")} in ${formatDuration(durationMs)}${rate}${extra}`;
}
