import { HttpRefusal } from "../http_refusal.ts";

const LOOKING_ON_MAX = 32;
/** Each holds what one answer may have. */
const EXPORTS_MAX = 4;

/** One of those that are counted. */
export interface Place {
  /** Aborted when the server ends. */
  signal: AbortSignal;
  /** May be called again. */
  leave(): void;
}

/** Answers of one kind that go on, until the server ends: each holds memory, so they are few. */
export class LongAnswers {
  readonly #end = new AbortController();
  readonly #placesMax: number;
  readonly #refusal: string;
  #taken = 0;

  /** `refusal`: what is said where there are more. */
  constructor(placesMax: number, refusal: string) {
    this.#placesMax = placesMax;
    this.#refusal = refusal;
  }

  /** Ends all of them, so that the server can. */
  close(): void {
    this.#end.abort();
  }

  enter(): Place {
    if (this.#taken >= this.#placesMax) {
      throw new HttpRefusal(503, "ServiceUnavailableException", this.#refusal, { "retry-after": "10" });
    }
    this.#taken++;
    let isTaken = true;
    const leave = () => {
      if (isTaken) this.#taken--;
      isTaken = false;
    };
    return { signal: this.#end.signal, leave };
  }
}

/** Of pages that look on. */
export function liveAnswers(): LongAnswers {
  return new LongAnswers(LOOKING_ON_MAX, "Too many pages look on at once");
}

export function exportAnswers(): LongAnswers {
  return new LongAnswers(EXPORTS_MAX, "Too many exports are under way at once");
}
