import { counted, formatCount } from "../../core/base/counted.ts";
import type { Meter, MeterReading } from "../../core/base/meter.ts";
import { visibleText } from "../../core/base/visible_text.ts";
import type { Context } from "./command.ts";
import { formatDuration, formatSize, printMessage, type ScriptRecord, timeText } from "./output.ts";

export interface Progress {
  /** Removes the drawn line, so that results start on a clean one; the next change redraws it. */
  end(): Promise<void>;
}

const DRAW_MS_MIN = 100;
const LINE_MS_MIN = 5_000;
/** Before that much is done, the time left would be a multiple of what the start took. */
const SHARE_MIN = 0.02;

/** What is under way: a verb and its object, and more for scripts. */
export interface Doing {
  /** `Ingesting batch 7` */
  label: string;
  record?: ScriptRecord;
}

type Surroundings = Pick<
  Context,
  "stdout" | "stderr" | "isTerminal" | "terminalSize" | "clock" | "json" | "jsonMessages"
>;

/**
 * Shows the meter on standard error. On a terminal it redraws one line, at most ten times a second;
 * elsewhere, and as JSON, it prints a line every five seconds, which begins with the time. `label`
 * is a verb: `Producing`.
 */
export function startProgress(context: Surroundings, label: string | (() => Doing), meter: Meter): Progress {
  const isTerminal = context.isTerminal.stderr && !context.jsonMessages;
  const doing = typeof label === "string" ? () => ({ label }) : label;
  let lastMs = -Infinity;
  let isDrawn = false;
  let written = Promise.resolve();
  const say = (write: () => Promise<void>) => {
    written = written.then(write).catch(() => {});
  };
  const draw = () => {
    const nowMs = context.clock.nowMs();
    if (nowMs - lastMs < (isTerminal ? DRAW_MS_MIN : LINE_MS_MIN)) return;
    const reading = meter.read();
    // Show nothing before a file is found, and no line for work that takes no time.
    if (reading.counts.files === undefined) return;
    if (!isTerminal && nowMs - reading.sinceMs < LINE_MS_MIN) return;
    lastMs = nowMs;
    const now: Doing = doing();
    const line = visibleText(progressLine(now.label, reading, nowMs - reading.sinceMs));
    if (isTerminal) say(() => context.stderr.redraw(line.slice(0, context.terminalSize().columns - 1)));
    else {
      const record = progressRecord(now, reading, nowMs - reading.sinceMs);
      say(() => printMessage(context, record, `${timeText(context)} ${line}`));
    }
    isDrawn = isTerminal;
  };
  meter.watch(draw);
  return {
    async end() {
      if (isDrawn) say(() => context.stderr.redraw(""));
      isDrawn = false;
      await written;
    },
  };
}

function progressRecord({ label, record }: Doing, { counts, step }: MeterReading, elapsedMs: number): ScriptRecord {
  return { action: "progress", doing: label, ...record, step: step ?? null, ...counts, elapsedMs };
}

export function progressLine(
  label: string,
  { counts, step }: Pick<MeterReading, "counts" | "step">,
  elapsedMs: number,
): string {
  const parts: string[] = [];
  const { files, filesMax, groups, groupsMax, tasks, tasksMax, bytes, bytesMax } = counts;
  if (files !== undefined) {
    parts.push(
      filesMax === undefined ? counted(files, "file") : `${formatCount(files)} of ${counted(filesMax, "file")}`,
    );
  }
  if (tasksMax !== undefined) parts.push(`${formatCount(tasks ?? 0)} of ${counted(tasksMax, "task")}`);
  if (groupsMax !== undefined) parts.push(`${formatCount(groups ?? 0)} of ${counted(groupsMax, "group")}`);
  if (bytesMax !== undefined) parts.push(`${formatSize(bytes ?? 0)} of ${formatSize(bytesMax)}`);
  for (const what of ["record", "event"] as const) {
    const count = counts[`${what}s`];
    if (count === undefined) continue;
    parts.push(counted(count, what));
    if (elapsedMs >= 1_000) parts.push(`${counted(Math.round(count / elapsedMs * 1_000), what)}/s`);
  }
  // Files differ in size, so bytes tell more of what is left.
  const [done, max] = bytesMax === undefined ? [files, filesMax] : [bytes, bytesMax];
  if (done && max !== undefined && done < max && done / max >= SHARE_MIN && elapsedMs >= 1_000) {
    parts.push(`${formatDuration(elapsedMs / done * (max - done))} left`);
  }
  if (counts.filesBehind) parts.push(counted(counts.filesBehind, "more file waits", "more files wait"));
  return `${label}${step === undefined ? "" : ` (${step})`}: ${parts.join(", ")}`;
}
