import { messageOf, StreamlabError } from "../../base/errors.ts";
import { stringifyJson } from "../../base/json.ts";
import { quoteText } from "../../engine/duckdb.ts";
import type { TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { OUR_COLUMNS } from "../../lake/our_columns.ts";
import { streamAnswer } from "../answer.ts";
import { HttpRefusal } from "../http_refusal.ts";
import { type ConsoleCall, objectsOf } from "./console_call.ts";
import { tableSql } from "./lake_table.ts";
import { CELL_LETTERS_MAX, ROWS_MAX } from "./limited_session.ts";
import { filterOf, letterConditions, letterTable, whereOf } from "./letters.ts";
import type { Place } from "./long_answers.ts";

/** Read at once, by place in the order of the table; an answer's limit makes it fewer. */
const PORTION = 2_000;
/** More are for `query --format ndjson`: each portion is a question of its own. */
const LETTERS_MAX = 100_000;
const BYTES_MAX = 1_000_000_000;
/** A client that takes nothing for so long has a place that another could have. */
const PATIENCE_MS = 60_000;

const { deadLetterReason: REASON, deadLetterDetail: DETAIL, rawRecord: RECORD } = OUR_COLUMNS;
const { sourceFile: FILE, sourcePosition: POSITION, batchId: BATCH, ingestedAt: AT } = OUR_COLUMNS;

/** The letters of a list, the oldest first, as lines of JSON; long texts are cut as in answers. */
export async function exportLetters(call: ConsoleCall): Promise<Response> {
  const table = await letterTable(call);
  const place = call.parts.exports.enter();
  try {
    const portions = new Portions(call, table);
    // What is refused is refused before the answer begins.
    const body = linesOf(call, portions, place, await portions.next());
    return streamAnswer(body, "application/x-ndjson", {
      "content-disposition": 'attachment; filename="letters.ndjson"',
    });
  } catch (error) {
    place.leave();
    throw error;
  }
}

/** A body is cut off where it cannot go on, so that nobody takes a part for the whole. */
function linesOf(
  { parts: { clock } }: ConsoleCall,
  portions: Portions,
  place: Place,
  first: Uint8Array,
): ReadableStream<Uint8Array> {
  let next: Uint8Array | undefined = first, waiting = new AbortController();
  const stop = (controller: ReadableStreamDefaultController<Uint8Array>, error: unknown) => {
    place.leave();
    const kind = error instanceof StreamlabError ? error.kind : error instanceof HttpRefusal ? "limit" : "internal";
    const what = `Cannot go on with an export of dead letters: ${messageOf(error)}`;
    controller.error(new StreamlabError(kind, what, { cause: error }));
  };
  const wait = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const { signal } = waiting = new AbortController();
    await clock.sleep(PATIENCE_MS, signal);
    if (!signal.aborted) stop(controller, new StreamlabError("interrupted", "nobody takes it"));
  };
  return new ReadableStream<Uint8Array>({
    start: (controller) => void wait(controller),
    async pull(controller) {
      waiting.abort();
      try {
        const bytes = next ?? await portions.next();
        next = undefined;
        if (bytes.length === 0) {
          place.leave();
          return controller.close();
        }
        controller.enqueue(bytes);
        void wait(controller);
      } catch (error) {
        stop(controller, error);
      }
    },
    cancel() {
      waiting.abort();
      place.leave();
    },
  }, { highWaterMark: 0 });
}

/** Some batches that follow each other, and how many letters of theirs are still to come. */
interface Range {
  from: bigint;
  to: bigint;
  letters: number;
}

/**
 * One after another: no more of a table than that is held. Each is asked of a few batches, by their
 * ids: then only the files of these are opened, and not those of the whole table each time.
 */
class Portions {
  readonly #call: ConsoleCall;
  readonly #table: TableIdentifier;
  readonly #conditions: readonly string[];
  readonly #ranges: Range[] = [];
  /** Batches up to this one are in ranges, or done. */
  #rangedTo: bigint | undefined;
  #after: string | undefined;
  #letters = 0;
  #bytes = 0;

  constructor(call: ConsoleCall, table: TableIdentifier) {
    this.#call = call;
    this.#table = table;
    this.#conditions = letterConditions(filterOf(call));
  }

  /** Empty after the last one. */
  async next(): Promise<Uint8Array> {
    while (this.#letters < LETTERS_MAX && this.#bytes < BYTES_MAX) {
      if (this.#ranges.length === 0) await this.#findRanges();
      const [range] = this.#ranges;
      if (range === undefined) break;
      const found = await this.#read(range);
      range.letters -= found.length;
      // A replay may have taken some of them meanwhile.
      if (range.letters <= 0 || found.length === 0) this.#ranges.shift();
      if (found.length === 0) continue;
      const bytes = new TextEncoder().encode(found.map(letterLine).join(""));
      this.#letters += found.length;
      this.#bytes += bytes.length;
      return bytes;
    }
    return new Uint8Array();
  }

  /** Of the next batches that have letters; none after the last. */
  async #findRanges(): Promise<void> {
    const rest = this.#rangedTo === undefined ? [] : [`${BATCH} > ${this.#rangedTo}`];
    const batches = objectsOf(
      await this.#call.ask(
        `SELECT ${BATCH} AS batch, count(*) AS letters FROM ${tableSql(this.#table)}
${whereOf([...this.#conditions, ...rest])} GROUP BY 1 ORDER BY 1 LIMIT ${ROWS_MAX}`,
      ),
    ).map(({ batch, letters }) => ({ from: BigInt(batch!), to: BigInt(batch!), letters: Number(letters) }));
    this.#rangedTo = batches.at(-1)?.to ?? this.#rangedTo;
    for (const batch of batches) {
      const last = this.#ranges.at(-1);
      if (last === undefined || last.letters + batch.letters > PORTION) this.#ranges.push(batch);
      else {
        last.to = batch.to;
        last.letters += batch.letters;
      }
    }
  }

  async #read({ from, to }: Range): Promise<Record<string, string | null>[]> {
    const within = [`${BATCH} BETWEEN ${from} AND ${to}`, ...this.#after === undefined ? [] : [this.#after]];
    const found = objectsOf(
      await this.#call.ask(
        `SELECT ${REASON} AS reason, ${DETAIL} AS detail, ${RECORD} AS record, ${FILE} AS file, ${POSITION} AS position,
  ${BATCH} AS batch, ${AT} AS at FROM ${tableSql(this.#table)} ${whereOf([...this.#conditions, ...within])}
ORDER BY ${BATCH}, ${FILE}, coalesce(${POSITION}, -1) LIMIT ${PORTION}`,
        PORTION,
      ),
    );
    const last = found.at(-1);
    if (last !== undefined) {
      const key = `(${last.batch}, ${quoteText(last.file!)}, ${last.position ?? -1})`;
      this.#after = `(${BATCH}, ${FILE}, coalesce(${POSITION}, -1)) > ${key}`;
    }
    return found;
  }
}

function letterLine({ reason, detail, record, file, position, batch, at }: Record<string, string | null>): string {
  const letter = {
    reason: reason!,
    detail: detail!,
    record: record!,
    isCut: (record?.length ?? 0) >= CELL_LETTERS_MAX,
    sourceFile: file!,
    sourcePosition: position === null ? null : Number(position),
    batchId: Number(batch),
    ingestedAt: at!,
  };
  return `${stringifyJson(letter)}\n`;
}
