import type { Clock } from "../../base/clock.ts";
import { counted } from "../../base/counted.ts";
import { Gate } from "../../base/gate.ts";
import { SqlError } from "../../engine/sql_error.ts";
import type { TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { cells } from "../../query/format/format_text.ts";
import type { Session } from "../../query/sql_session.ts";
import { HttpRefusal } from "../http_refusal.ts";
import { KeptAnswers } from "./kept_answers.ts";
import type { LimitedAnswer } from "./limited_answer.ts";

/** What one question may cost. Its memory is the session's. */
const QUESTION_MS_MAX = 30_000;
export const ROWS_MAX = 10_000;
const ANSWER_LETTERS_MAX = 8_000_000;
export const CELL_LETTERS_MAX = 1_000_000;
/** Each question has a DuckDB of its own, with its memory. */
const QUESTIONS_PARALLEL = 2;

/** The same locked session as that of `query`, for people who do not know what a question costs. */
export class LimitedSession {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #gate = new Gate(QUESTIONS_PARALLEL);
  readonly #kept: KeptAnswers;

  constructor(session: Session, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
    this.#kept = new KeptAnswers(clock);
  }

  /** Stops when `client` hangs up, or when it has taken too long. */
  ask(sql: string, client: AbortSignal, rowsMax: number = ROWS_MAX): Promise<LimitedAnswer> {
    return this.#gate.pass(1, () => this.#askNow(sql, client, rowsMax));
  }

  /**
   * As `ask`, for what these tables alone say, at whatever time: while none of them changes, the
   * answer is the one before.
   */
  async askAbout(
    tables: readonly TableIdentifier[],
    sql: string,
    client: AbortSignal,
    rowsMax: number = ROWS_MAX,
  ): Promise<LimitedAnswer> {
    const catalog = await this.#session.catalog();
    const found = await Promise.all(tables.map((table) => catalog.loadTable(table)));
    const versions = found.map((table) => table?.metadata);
    return await this.#kept.of(`${rowsMax} ${sql}`, versions, () => this.ask(sql, client, rowsMax));
  }

  async #askNow(sql: string, client: AbortSignal, rowsMax: number): Promise<LimitedAnswer> {
    const tooLong = new AbortController(), over = new AbortController();
    void this.#clock.sleep(QUESTION_MS_MAX, over.signal).then(() => over.signal.aborted || tooLong.abort());
    try {
      const signal = AbortSignal.any([client, tooLong.signal]);
      return await this.#session.ask(sql, { signal }, async ({ columns, chunks }) => {
        const answer = new CutAnswer(rowsMax);
        for await (const rows of chunks) {
          if (!rows.every((row) => answer.add(cells({ columns }, row, (text) => text, null)))) break;
        }
        return { columns: columns.map(({ name, type }) => ({ name, type: type.sql })), ...answer.done() };
      });
    } catch (error) {
      if (tooLong.signal.aborted) throw beyond(`it took more than ${counted(QUESTION_MS_MAX / 1_000, "second")}`);
      if (ranOutOfMemory(error)) throw beyond("it needs more memory than it may have");
      throw error;
    } finally {
      over.abort();
    }
  }
}

function ranOutOfMemory(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof SqlError && /^(Error: )?Out of Memory/.test(cause.said);
}

function beyond(why: string): HttpRefusal {
  return new HttpRefusal(400, "QuestionLimitException", `Stopped the question: ${why}`);
}

class CutAnswer {
  readonly #rows: (string | null)[][] = [];
  #letters = 0;
  #cut: string | undefined;
  readonly #rowsMax: number;

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax;
  }

  /** False where the answer is full. */
  add(row: (string | null)[]): boolean {
    if (this.#rows.length >= this.#rowsMax) {
      this.#cut = `only the first ${counted(this.#rowsMax, "row")}`;
      return false;
    }
    const kept = row.map((cell) => this.#clip(cell));
    const letters = kept.reduce((sum, cell) => sum + (cell?.length ?? 4), 0);
    if (this.#letters + letters > ANSWER_LETTERS_MAX) {
      this.#cut = `only the first ${counted(this.#rows.length, "row")}: they are very long`;
      return false;
    }
    this.#letters += letters;
    this.#rows.push(kept);
    return true;
  }

  done(): Pick<LimitedAnswer, "rows" | "cut"> {
    return { rows: this.#rows, cut: this.#cut };
  }

  #clip(cell: string | null): string | null {
    if (cell === null || cell.length <= CELL_LETTERS_MAX) return cell;
    this.#cut = `of long texts only the first ${CELL_LETTERS_MAX} letters`;
    return cell.slice(0, CELL_LETTERS_MAX).toWellFormed();
  }
}
