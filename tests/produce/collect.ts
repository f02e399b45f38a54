import { seededRandom } from "../../core/base/random.ts";
import { CLEAN_CHANCES, type ProduceOptions } from "../../core/produce/options.ts";
import { produce } from "../../core/produce/produce.ts";
import type { ProduceParts } from "../../core/produce/parts.ts";
import type { Disposition } from "../../core/produce/truth.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** A line of `--truth`, as a reader of the file sees it. */
export interface TruthLine {
  file: string;
  batch: number;
  format: string;
  compression: string;
  bytes: number;
  corrupted: string | null;
  counts: Record<Disposition | "corrupted_batch", number>;
  records: TruthRecord[];
}

export interface TruthRecord {
  position: number;
  disposition: Disposition;
  way?: string;
  field?: string;
  duplicate_of?: { file: string; position: number };
  late_ms?: number;
}

export interface Collected {
  /** By path, in the order of their making. */
  files: Map<string, Uint8Array>;
  truth: TruthLine[];
  truthText: string;
}

export const START_MS = Date.UTC(2026, 2, 1);

/** A small, seeded, clean run with no pace; change what a test is about. */
export function optionsWith(changed: Partial<ProduceOptions> = {}): ProduceOptions {
  return {
    batches: 5,
    batchSize: 20,
    pace: { kind: "interval", intervalMs: 0 },
    seed: 7,
    startMs: START_MS,
    users: 50,
    format: "json",
    compression: "none",
    chances: CLEAN_CHANCES,
    evolveAfter: undefined,
    ...changed,
  };
}

/** Runs produce into memory. */
export async function collect(options: ProduceOptions, parts: Partial<ProduceParts> = {}): Promise<Collected> {
  const files = new Map<string, Uint8Array>();
  let truthText = "";
  await produce(options, {
    clock: new ManualClock(),
    random: seededRandom(1),
    sink: {
      name: "memory",
      has: (path) => Promise.resolve(files.has(path)),
      create(path, bytes) {
        files.set(path, bytes.slice());
        return Promise.resolve(true);
      },
    },
    truth: {
      append(line) {
        for (const piece of line) truthText += text(piece);
        return Promise.resolve();
      },
    },
    ...parts,
  });
  const truth = truthText.split("\n").slice(0, -1).map((line) => JSON.parse(line) as TruthLine);
  return { files, truth, truthText };
}

export const text = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
