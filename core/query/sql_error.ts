import { type ErrorKind, StreamlabError } from "../base/errors.ts";
import { SqlError } from "../engine/sql_error.ts";

/**
 * What DuckDB calls its errors, by what the reader does next; all others are about the question
 * itself.
 */
const KINDS: Record<string, ErrorKind> = {
  "IO Error": "unavailable",
  "HTTP Error": "unavailable",
  "Out of Memory Error": "unavailable",
  "Interrupt Error": "interrupted",
  "INTERRUPT Error": "interrupted",
  "INTERNAL Error": "internal",
  "FATAL Error": "internal",
};

/** Where in a statement an error is. */
export interface SqlPlace {
  /** From 1. */
  line: number;
  /** That line, or the part of it that DuckDB quotes. */
  text: string;
  /** In `text`, from 0. */
  at: number;
}

/** An error of which it is known where in the SQL it is. */
export class PlacedError extends StreamlabError {
  readonly place: SqlPlace;

  constructor(kind: ErrorKind, said: string, place: SqlPlace, options: { hint?: string; cause?: unknown }) {
    super(kind, said, options);
    this.place = place;
  }
}

/** What a status of HTTP says of an object that a table names, and what to do. */
const HTTP_STATES: Record<number, readonly [ErrorKind, string, string]> = {
  403: ["unavailable", "access denied (HTTP 403)", "Give these credentials the right to read it, or use others"],
  404: ["not-found", "there is no such object", "Ask again: upkeep may have replaced it meanwhile"],
  503: ["unavailable", "the service asks for fewer requests (HTTP 503)", "Wait a while and ask again"],
};

/** An error of a question in one line and a hint; what is no error of DuckDB stays as it is. */
export function questionError(error: unknown): unknown {
  if (!(error instanceof SqlError)) return error;
  const [, name = "", text = ""] = /^(?:Error: )?((?:[A-Za-z-]+ )+Error): ([\s\S]*)$/.exec(error.said) ?? [];
  const said = text === "" ? error.said : text;
  const kind = KINDS[name] ?? (text === "" ? "internal" : "usage");
  if (kind === "interrupted") return stopped(error);
  if (name === "Permission Error") {
    const missing = missingFile(said, error);
    if (missing !== undefined) return missing;
  }
  if (name === "HTTP Error" || name === "IO Error") {
    const unread = unreadObject(said, error);
    if (unread !== undefined) return unread;
  }
  const hint = name.startsWith("Out of Memory")
    ? "Give it more with --memory, or ask for less at once"
    : kind === "usage"
    ? hintOf(said)
    : undefined;
  return describe(said.split("\n", 1)[0]!, kind, { hint, cause: error, place: quotedPlace(said) });
}

/**
 * A failed read over HTTP, worded like a store's errors; undefined if it is not about an object.
 */
function unreadObject(said: string, cause: unknown): StreamlabError | undefined {
  const [, url] = /'((?:s3|https?):\/\/[^']+)'/.exec(said) ?? [];
  if (url === undefined) return undefined;
  const status = Number(/HTTP (\d{3})/.exec(said)?.[1] ?? 0);
  const [kind, state, hint] = HTTP_STATES[status] ??
    ([
      "unavailable",
      said.split(/ (?:error )?(?:for|reading|on) /, 1)[0]!,
      "Ask again when the service is well",
    ] as const);
  const place = url.startsWith("s3:") ? url : decodeURIComponent(url);
  return new StreamlabError(kind, `Cannot read "${place}": ${state}`, { hint, cause });
}

/**
 * A missing file of a table: DuckDB takes it for a folder and tries to list it, which is not
 * allowed.
 */
function missingFile(said: string, cause: unknown): StreamlabError | undefined {
  const [, path] = /^Cannot access file "(.+)\/\*\*\/\*\.parquet"/.exec(said) ?? [];
  if (path === undefined) return undefined;
  const [kind, , hint] = HTTP_STATES[404]!;
  return new StreamlabError(kind, `Cannot read "${path}": there is no such file`, { hint, cause });
}

/** The user, or the calling process, interrupted it. */
export function stopped(cause?: unknown): StreamlabError {
  return new StreamlabError("interrupted", "Stopped the query", cause === undefined ? {} : { cause });
}

/** An error that DuckDB reported, as it is or about a plan or syntax tree in JSON. */
export function describe(
  said: string,
  kind: ErrorKind,
  { place, ...options }: { hint?: string | undefined; cause?: unknown; place?: SqlPlace | undefined },
): StreamlabError {
  const sentence = `Cannot run this SQL: ${said.trim().replace(/[.!]+$/, "")}`;
  if (place === undefined) return new StreamlabError(kind, sentence, options);
  return new PlacedError(kind, `${sentence}${placeText(place)}`, place, options);
}

/** The place of a character of a statement. */
export function placeOf(statement: string, position: number): SqlPlace {
  const before = statement.slice(0, position).split("\n");
  const rest = statement.slice(position).split("\n", 1)[0]!;
  return { line: before.length, text: before.at(-1)! + rest, at: before.at(-1)!.length };
}

/** The same of a byte of its UTF-8. */
export function placeOfByte(statement: string, position: number): SqlPlace {
  const bytes = new TextEncoder().encode(statement).subarray(0, position);
  return placeOf(statement, new TextDecoder().decode(bytes).length);
}

/** DuckDB quotes the line, and puts a caret below. */
function quotedPlace(said: string): SqlPlace | undefined {
  const [, before = "", line = "", text = "", space = ""] = /\n(LINE (\d+): )(.*)\n( *)\^/.exec(said) ?? [];
  const at = space.length - before.length;
  return before === "" || at < 0 || at > text.length ? undefined : { line: Number(line), text, at };
}

function placeText({ line, text, at }: SqlPlace): string {
  const near = /^\s*\S*/.exec(text.slice(at))![0].trim();
  // Of a long line DuckDB quotes a part.
  const column = text.startsWith("...") ? "" : `, column ${at + 1}`;
  return ` (line ${line}${column}${near === "" ? "" : `, near ${near}`})`;
}

/** DuckDB's own suggestion. */
export function hintOf(text: string): string | undefined {
  return /^(Candidate .*|Did you mean .*)$/m.exec(text)?.[1];
}
