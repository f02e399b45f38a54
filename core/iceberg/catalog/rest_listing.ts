import { StreamlabError } from "../../base/errors.ts";
import { METADATA_BYTES_MAX } from "../format/metadata_limit.ts";

/** Of one listing; those without a name in a row. */
const PAGES_MAX = 10_000, PAGES_EMPTY_MAX = 100;

/** The content of one listing so far: its number and size reveal an endless one. */
export class Listing {
  readonly #action: string;
  #pages = 0;
  #pagesEmpty = 0;
  #bytes = 0;

  constructor(action: string) {
    this.#action = action;
  }

  /** A page came. */
  add(items: number, bytes: number): void {
    this.#pages++;
    this.#bytes += bytes;
    this.#pagesEmpty = items === 0 ? this.#pagesEmpty + 1 : 0;
    if (this.#pages > PAGES_MAX || this.#pagesEmpty > PAGES_EMPTY_MAX || this.#bytes > METADATA_BYTES_MAX) {
      throw this.endless("one page after another");
    }
  }

  endless(gives: string): StreamlabError {
    return new StreamlabError("unavailable", `Cannot ${this.#action}: the catalog gives ${gives}, without an end`, {
      hint: "Check that the address is that of your catalog",
    });
  }
}
