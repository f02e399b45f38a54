import type { Random } from "../base/random.ts";
import { happens, intBetween } from "./choice.ts";
import type { ShopEvent } from "./event.ts";
import type { ProduceOptions } from "./options.ts";
import { type Origin, Repeats } from "./repeats.ts";
import type { Shoppers } from "./shoppers.ts";
import type { Span } from "./timeline.ts";
import type { RecordTruth } from "./truth.ts";

/** A record before it is written: an event, and what is to become of it. */
export interface Draft {
  event: ShopEvent;
  /** The event stands at `origin` already. */
  repeats: Origin | undefined;
  /** 0 unless its time was put back. */
  lateMs: number;
  /** Never set on a repeat: it would be none. */
  flaw: "invalid" | "extra" | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The stream of drafts; file by file, each file's records in order. */
export class Drafts {
  readonly #options: ProduceOptions;
  readonly #shoppers: Shoppers;
  readonly #random: Random;
  readonly #repeats = new Repeats();

  constructor(options: ProduceOptions, shoppers: Shoppers, random: Random) {
    this.#options = options;
    this.#shoppers = shoppers;
    this.#random = random;
  }

  /** Files from this one on carry the new column. */
  evolved(batch: number): boolean {
    return this.#options.evolveAfter !== undefined && batch >= this.#options.evolveAfter;
  }

  /** The file `path` is begun, the run's `batch`th from 0. */
  startFile(path: string, batch: number): void {
    this.#repeats.startFile(path);
    // A Parquet file has one schema: an old event could be repeated in it only with the new column,
    // so not exactly.
    if (this.#options.format === "parquet" && batch === this.#options.evolveAfter) this.#repeats.forgetEarlier();
  }

  /** The record at `position` of a file whose events happened within `span`. */
  next(batch: number, position: number, span: Span): Draft {
    const random = this.#random;
    const { chances, batchSize } = this.#options;
    if (happens(random, chances.duplicate)) {
      const written = this.#repeats.pick(random);
      if (written !== undefined) return { event: written.event, repeats: written.origin, lateMs: 0, flaw: undefined };
    }
    const share = (position + random.next()) / batchSize;
    const timestampUs = Math.floor((span.fromMs + (span.toMs - span.fromMs) * share) * 1000);
    const event = this.#shoppers.next(timestampUs, this.evolved(batch));
    const lateMs = happens(random, chances.late) ? lateness(random) : 0;
    if (lateMs > 0) event.timestampUs -= lateMs * 1000;
    const flaw = happens(random, chances.invalidSchema)
      ? "invalid"
      : this.#options.format !== "parquet" && happens(random, chances.extraFields)
      ? "extra"
      : undefined;
    return { event, repeats: undefined, lateMs, flaw };
  }

  /** The draft was written at `position` as it is, so it may be repeated. */
  written(draft: Draft, position: number): void {
    if (this.#options.chances.duplicate > 0 && draft.repeats === undefined) {
      this.#repeats.offer(draft.event, position);
    }
  }

  endFile(isReadable: boolean): void {
    this.#repeats.endFile(isReadable);
  }
}

/**
 * Half of the late events are out of order by up to ten minutes, half come an hour to three days
 * late.
 */
function lateness(random: Random): number {
  return random.next() < 0.5
    ? intBetween(random, 1_000, 10 * MINUTE_MS)
    : intBetween(random, 60 * MINUTE_MS, 3 * DAY_MS);
}

/** What truth says of an unbroken draft; undefined where there is nothing to say. */
export function draftTruth(draft: Draft): RecordTruth | undefined {
  const isEvolved = draft.event.country !== undefined;
  if (!isEvolved && draft.repeats === undefined && draft.lateMs === 0) return undefined;
  return {
    disposition: isEvolved ? "extra_fields" : "event",
    way: isEvolved ? "evolved_column" : undefined,
    field: isEvolved ? "/country" : undefined,
    ...truthOfDraft(draft),
  };
}

/** What holds of a draft whether it is broken or not. */
export function truthOfDraft(draft: Draft): Pick<RecordTruth, "duplicateOf" | "lateMs"> {
  return {
    duplicateOf: draft.repeats,
    lateMs: draft.lateMs > 0 ? draft.lateMs : undefined,
  };
}
