import { HttpRefusal } from "../http_refusal.ts";

const CLIENTS_MAX = 32;

/** Whoever looks on, until the server ends. */
export class LiveClients {
  readonly #end = new AbortController();
  #clients = 0;

  /** Ends all of them, so that the server can. */
  close(): void {
    this.#end.abort();
  }

  enter(): AbortSignal {
    if (this.#clients >= CLIENTS_MAX) {
      throw new HttpRefusal(503, "ServiceUnavailableException", "Too many pages look on at once", {
        "retry-after": "10",
      });
    }
    this.#clients++;
    return this.#end.signal;
  }

  leave(): void {
    this.#clients--;
  }
}
