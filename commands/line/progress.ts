import type { Context } from "./command.ts";
import { formatCount, formatDuration } from "./output.ts";

/** How far a long work is; counts since it began. */
export interface ProgressState {
  files?: number;
  /** How many files there will be, where that is known: gives the time left. */
  filesMax?: number;
  events?: number;
}

export interface Progress {
  /** Cheap: draws at most ten times a second, or a line every five seconds off a terminal. */
  update(state: ProgressState): void;
  /** Removes the drawn line, so that results start on a clean one. */
  end(): Promise<void>;
}

const DRAW_MS_MIN = 100;
const LINE_MS_MIN = 5_000;

/**
 * Progress on standard error: one line redrawn on a terminal, plain lines off it, nothing with
 * `--json`. `label` is a verb: `Producing`.
 */
export function startProgress(
  context: Pick<Context, "stderr" | "isTerminal" | "columns" | "clock" | "json">,
  label: string,
): Progress {
  const startMs = context.clock.nowMs();
  const isTerminal = context.isTerminal.stderr;
  let lastMs = isTerminal ? -Infinity : startMs;
  let isDrawn = false;
  let written = Promise.resolve();
  const write = (text: string) => {
    written = written.then(() => context.stderr.write(text)).catch(() => {});
  };
  return {
    update(state) {
      const nowMs = context.clock.nowMs();
      if (context.json || nowMs - lastMs < (isTerminal ? DRAW_MS_MIN : LINE_MS_MIN)) return;
      lastMs = nowMs;
      const line = progressLine(label, state, nowMs - startMs);
      write(isTerminal ? `\r\x1b[K${line.slice(0, context.columns - 1)}` : `${line}\n`);
      isDrawn = isTerminal;
    },
    async end() {
      if (isDrawn) write("\r\x1b[K");
      isDrawn = false;
      await written;
    },
  };
}

export function progressLine(label: string, state: ProgressState, elapsedMs: number): string {
  const parts: string[] = [];
  const { files, filesMax, events } = state;
  if (files !== undefined) {
    parts.push(
      filesMax === undefined
        ? `${formatCount(files)} files`
        : `${formatCount(files)} of ${formatCount(filesMax)} files`,
    );
  }
  if (events !== undefined) {
    parts.push(`${formatCount(events)} events`);
    if (elapsedMs >= 1_000) parts.push(`${formatCount(Math.round(events / elapsedMs * 1_000))} events/s`);
  }
  if (files && filesMax !== undefined && files < filesMax && elapsedMs >= 1_000) {
    parts.push(`${formatDuration(elapsedMs / files * (filesMax - files))} left`);
  }
  return `${label}: ${parts.join(", ")}`;
}
