import type { Clock } from "../../base/clock.ts";
import type { Json } from "../../base/json.ts";
import type { Catalog, TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import type { JsonObject } from "../../iceberg/format/json_field.ts";
import type { BatchRecord } from "../../lake/batch_history.ts";
import type { History } from "../../lake/history.ts";
import type { UpkeepRecord } from "../../lake/upkeep_history.ts";
import { badRequest, HttpRefusal } from "../http_refusal.ts";
import type { Incoming } from "../incoming.ts";
import type { BatchWatch } from "../metrics/batch_watch.ts";
import type { LakeWatch } from "../metrics/lake_watch.ts";
import type { LongAnswers } from "./long_answers.ts";
import type { UpkeepDesk } from "./upkeep_desk.ts";
import type { LimitedAnswer } from "./limited_answer.ts";
import type { LimitedSession } from "./limited_session.ts";

/**
 * A question, an action or a contract. To read a larger contract would hold up all others for
 * seconds: it is compared by `consume --dry-run`.
 */
const BODY_BYTES_MAX = 256 * 1024;

/** What the console's endpoints are made of. */
export interface ConsoleParts {
  /** Where the lake is, as people know it. */
  lake: string;
  watch: LakeWatch;
  batches: BatchWatch;
  session: LimitedSession;
  catalog: Catalog;
  /** What was done before the ledger's snapshots begin. */
  history: { batches: History<BatchRecord>; upkeep: History<UpkeepRecord> };
  /** Undefined: the console may look, and change nothing. */
  upkeep: UpkeepDesk | undefined;
  live: LongAnswers;
  exports: LongAnswers;
  clock: Clock;
  /** Told of what is wrong after an answer has begun. */
  onFailure(error: unknown, request: string): void;
  /** A text of the lake's own, without secrets that it may hold. */
  shown(text: string): string;
}

/** One call of an endpoint. */
export class ConsoleCall {
  readonly parts: ConsoleParts;
  readonly incoming: Incoming;

  constructor(parts: ConsoleParts, incoming: Incoming) {
    this.parts = parts;
    this.incoming = incoming;
  }

  ask(sql: string, rowsMax?: number): Promise<LimitedAnswer> {
    return this.parts.session.ask(sql, this.incoming.signal, rowsMax);
  }

  /** What nothing but these tables tells; a page that asks again and again costs little. */
  askAbout(tables: readonly TableIdentifier[], sql: string, rowsMax?: number): Promise<LimitedAnswer> {
    return this.parts.session.askAbout(tables, sql, this.incoming.signal, rowsMax);
  }

  /** A parameter of the address that must be there. */
  required(name: string): string {
    return this.optional(name) ?? missing(name);
  }

  optional(name: string): string | undefined {
    return this.incoming.query.get(name) ?? undefined;
  }

  /** A whole number, `otherwise` where it is not given, at most `max`. */
  count(name: string, otherwise: number, max: number): number {
    const text = this.optional(name);
    if (text === undefined) return otherwise;
    if (!/^\d{1,9}$/.test(text)) throw badRequest(`Cannot read ${name}: it is not a whole number`);
    return Math.min(max, Number(text));
  }

  /** Undefined where it is not given, or empty. */
  wholeNumber(name: string): bigint | undefined {
    const text = this.optional(name);
    if (text === undefined || text === "") return undefined;
    if (!/^\d{1,18}$/.test(text)) throw badRequest(`Cannot read ${name}: it is not a whole number`);
    return BigInt(text);
  }

  /** An instant in RFC 3339, or a day of UTC, in milliseconds since 1970; undefined without it. */
  instant(name: string): number | undefined {
    return instantOf(name, this.optional(name));
  }

  /** The body of what asks for more than an answer of the lake as it is. */
  async body(): Promise<JsonObject> {
    // Another type would let a page of another site send it without being asked first.
    if (this.incoming.headers.get("content-type")?.split(";", 1)[0] !== "application/json") {
      throw new HttpRefusal(415, "UnsupportedMediaTypeException", "Questions come as application/json");
    }
    return await this.incoming.readJson(BODY_BYTES_MAX);
  }
}

/** Rows by the names of their columns. */
export function objectsOf({ columns, rows }: LimitedAnswer): Record<string, string | null>[] {
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]!])));
}

/** As `ConsoleCall.instant`, of a text. */
export function instantOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const isInstant = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))?$/.test(text);
  const ms = isInstant ? Date.parse(text) : NaN;
  if (!Number.isNaN(ms)) return ms;
  throw badRequest(`Cannot read ${name}: it is neither an instant such as 2026-03-01T12:00:00Z nor a day`);
}

export function isoOf(ms: number | undefined): Json {
  return ms === undefined ? null : new Date(ms).toISOString();
}

function missing(name: string): never {
  throw badRequest(`Cannot answer: the address lacks ${name}`);
}
