import { temporaryFolder } from "../core/disk/ownership.ts";
import type { Context } from "./line/command.ts";

/** What a command may use of this machine. */
export interface MachineSettings {
  /** For what does not outlive the command. */
  temporaryFolder: string;
  threads: number;
  /** A size as DuckDB writes it. */
  memory: string;
}

const MEMORY_BYTES_MIN = 64_000_000;

/** What `--threads`, `--memory` and TMPDIR ask for; without a size DuckDB has its own. */
export function machineSettings(context: Context, flags: { threads?: number; memory: number }): MachineSettings;
export function machineSettings(
  context: Context,
  flags: { threads?: number; memory?: number },
): Omit<MachineSettings, "memory"> & { memory?: string };
export function machineSettings(
  context: Context,
  { threads = navigator.hardwareConcurrency, memory }: { threads?: number; memory?: number },
): Omit<MachineSettings, "memory"> & { memory?: string } {
  return {
    temporaryFolder: temporaryFolder(context.env),
    threads: Math.max(1, threads),
    memory: memory === undefined ? undefined : `${Math.max(MEMORY_BYTES_MIN, memory)}B`,
  };
}
