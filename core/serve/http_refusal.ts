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
