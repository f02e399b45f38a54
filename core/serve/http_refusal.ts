import { isKind } from "../base/errors.ts";

/** What a request is refused with: a status, and a word for programs. */
export class HttpRefusal extends Error {
  readonly status: number;
  /** As the REST catalog specification names errors: `NoSuchTableException`. */
  readonly type: string;
  readonly headers: Record<string, string>;

  constructor(status: number, type: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = "HttpRefusal";
    this.status = status;
    this.type = type;
    this.headers = headers;
  }
}

export function badRequest(message: string): HttpRefusal {
  return new HttpRefusal(400, "BadRequestException", message);
}

/** For what went wrong here, which may name keys and places: the log has it. */
export function failureRefusal(error: unknown): HttpRefusal {
  if (isKind(error, "unavailable")) {
    const message = "The lake cannot be reached now; the server's log says why";
    return new HttpRefusal(503, "ServiceUnavailableException", message, { "retry-after": "5" });
  }
  const message = isKind(error, "corrupt", "newer")
    ? "What the lake holds cannot be read; the server's log says why"
    : "Something went wrong that should not; the server's log says what";
  return new HttpRefusal(500, "InternalServerError", message);
}
