import { counted, formatCount } from "../../core/base/counted.ts";
import type { Meter, MeterReading } from "../../core/base/meter.ts";
import { visibleText } from "../../core/base/visible_text.ts";
import type { Context } from "./command.ts";
import { formatDuration } from "./output.ts";

export interface Progress {
  /** Removes the drawn line, so that results start on a clean one; the next change redraws it. */
  end(): Promise<void>;
}

const DRAW_MS_MIN = 100;
const LINE_MS_MIN = 5_000;

/**
 * Shows the meter on standard error. On a terminal it redraws one line, at most ten times a second;
 * elsewhere it prints a line every five seconds; with `--json` nothing. `label` is a verb:
 * `Producing`.
 */
export function startProgress(
  context: Pick<Context, "stderr" | "isTerminal" | "columns" | "clock" | "json">,
  label: string,
  meter: Meter,
): Progress {
  const isTerminal = context.isTerminal.stderr;
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
    const line = progressLine(label, reading, nowMs - reading.sinceMs);
    if (isTerminal) say(() => context.stderr.redraw(visibleText(line).slice(0, context.columns - 1)));
    else say(() => context.stderr.write(`${visibleText(line)}\n`));
    isDrawn = isTerminal;
  };
  if (!context.json) meter.watch(draw);
  return {
    async end() {
      if (isDrawn) say(() => context.stderr.redraw(""));
      isDrawn = false;
      await written;
    },
  };
}

export function progressLine(
  label: string,
  { counts, step }: Pick<MeterReading, "counts" | "step">,
  elapsedMs: number,
): string {
  const parts: string[] = [];
  const { files, filesMax } = counts;
  if (files !== undefined) {
    parts.push(
      filesMax === undefined ? counted(files, "file") : `${formatCount(files)} of ${counted(filesMax, "file")}`,
    );
  }
  for (const what of ["record", "event"] as const) {
    const count = counts[`${what}s`];
    if (count === undefined) continue;
    parts.push(counted(count, what));
    if (elapsedMs >= 1_000) parts.push(`${counted(Math.round(count / elapsedMs * 1_000), what)}/s`);
  }
  if (files && filesMax !== undefined && files < filesMax && elapsedMs >= 1_000) {
    parts.push(`${formatDuration(elapsedMs / files * (filesMax - files))} left`);
  }
  return `${label}${step === undefined ? "" : ` (${step})`}: ${parts.join(", ")}`;
}
