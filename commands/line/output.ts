/**
 * Results go to standard output, everything else to standard error; `--json` turns both into one
 * JSON object a line, `--log-format json` what goes to standard error.
 */
import { type Json, stringifyJson } from "../../core/base/json.ts";
import { visibleLines, visibleText } from "../../core/base/visible_text.ts";
import type { Context } from "./command.ts";

type Printing = Pick<Context, "stdout" | "stderr" | "json" | "jsonMessages" | "clock">;

/** For scripts; every object carries its time. */
export interface ScriptRecord {
  [key: string]: Json;
}

/** One result: `text` for people, or, with `--json`, `record` for scripts. Adds the line end. */
export async function printResult(context: Printing, record: ScriptRecord, text: string): Promise<void> {
  await context.stdout.write(`${visibleLines(context.json ? jsonLine(context, record) : text)}\n`);
}

/** A note for people, line by line; never part of a result. */
export async function printNote(context: Printing, ...lines: string[]): Promise<void> {
  const record = { action: "note", text: lines.join("\n") };
  await printMessage(context, record, lines.map((line) => visibleText(line)).join("\n"));
}

/** Anything else than a result: `text` for people, whole lines, or `record` for scripts. */
export async function printMessage(context: Printing, record: ScriptRecord, text: string): Promise<void> {
  await context.stderr.write(`${context.jsonMessages ? jsonLine(context, record) : text}\n`);
}

export function jsonLine({ clock }: Pick<Context, "clock">, record: ScriptRecord): string {
  return stringifyJson({ ...record, time: new Date(clock.nowMs()).toISOString() });
}

/** `2026-03-01T12:00:00Z`, as lines begin that nobody watches on a terminal. */
export function timeText({ clock }: Pick<Context, "clock">): string {
  return `${new Date(clock.nowMs()).toISOString().slice(0, 19)}Z`;
}

/** 1234567 → `1.2 MB`. */
export function formatSize(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let size = bytes, unit = 0;
  while (size >= 1_000 && unit < units.length - 1) [size, unit] = [size / 1_000, unit + 1];
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

/** 65_000 → `1m 5s`; 340 → `340ms`; 2_340 → `2.3s`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1_000);
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days}d ${hours}h`;
  return hours > 0 ? `${hours}h ${minutes}m` : `${minutes}m ${seconds % 60}s`;
}
