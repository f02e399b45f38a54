import { counted } from "../../base/counted.ts";
import { DeadlineError } from "../../base/deadline.ts";

/** What went wrong with a request, by what can be done about it. */
export type S3Fault =
  | "missing-key"
  | "missing-bucket"
  | "missing-upload"
  | "changed"
  | "contended"
  | "out-of-range"
  | "throttled"
  | "transient"
  | "unreachable"
  | "untrusted"
  | "clock"
  | "key-id"
  | "secret"
  | "token"
  | "no-credentials"
  | "denied"
  | "region"
  | "no-region"
  | "full"
  | "unsupported"
  | "not-s3"
  | "other";

/**
 * Codes of S3's error responses (Amazon S3 API Reference, "Error responses"), of MinIO's, and of
 * the client's own errors.
 */
const FAULT_OF_CODE: Record<string, S3Fault> = {
  NoSuchKey: "missing-key",
  NotFound: "missing-key",
  NoSuchBucket: "missing-bucket",
  NoSuchUpload: "missing-upload",
  PreconditionFailed: "changed",
  ConditionalRequestConflict: "contended",
  InvalidRange: "out-of-range",
  SlowDown: "throttled",
  SlowDownRead: "throttled",
  SlowDownWrite: "throttled",
  ServiceUnavailable: "throttled",
  TooManyRequests: "throttled",
  RequestLimitExceeded: "throttled",
  InternalError: "transient",
  RequestTimeout: "transient",
  OperationAborted: "transient",
  IncompleteBody: "transient",
  XMinioServerNotInitialized: "transient",
  RequestTimeTooSkewed: "clock",
  InvalidAccessKeyId: "key-id",
  SignatureDoesNotMatch: "secret",
  ExpiredToken: "token",
  ExpiredTokenException: "token",
  InvalidToken: "token",
  InvalidTokenId: "token",
  TokenRefreshRequired: "token",
  CredentialsProviderError: "no-credentials",
  TokenProviderError: "no-credentials",
  AccessDenied: "denied",
  AllAccessDisabled: "denied",
  AccountProblem: "denied",
  PermanentRedirect: "region",
  AuthorizationHeaderMalformed: "region",
  IllegalLocationConstraintException: "region",
  XMinioStorageFull: "full",
  NotImplemented: "unsupported",
};

const FAULT_OF_STATUS: Record<number, S3Fault> = {
  301: "region",
  403: "denied",
  404: "missing-key",
  408: "transient",
  409: "contended",
  412: "changed",
  416: "out-of-range",
  429: "throttled",
  500: "transient",
  501: "unsupported",
  502: "transient",
  503: "throttled",
  504: "transient",
  507: "full",
};

/** The fields that the AWS client's types have; all optional, because any value can be thrown. */
export interface Thrown {
  name?: string;
  message?: string;
  code?: unknown;
  Code?: unknown;
  cause?: unknown;
  $metadata?: { httpStatusCode?: number; requestId?: string };
}

/** A body that ended before its length. */
export class TruncatedError extends Error {
  constructor(missing: number) {
    super(`the answer broke off ${counted(missing, "byte")} before its end`);
    this.name = "TruncatedError";
  }
}

/** A successful answer without something that every S3 answer of its kind has. */
export class ForeignAnswerError extends Error {
  constructor(what: string) {
    super(`the answer has no ${what}`);
    this.name = "ForeignAnswerError";
  }
}

export function faultOf(error: unknown): S3Fault {
  if (error instanceof ForeignAnswerError) return "not-s3";
  if (error instanceof DeadlineError || error instanceof TruncatedError) return "transient";
  const thrown = (error ?? {}) as Thrown;
  for (const code of [thrown.name, thrown.Code, thrown.code]) {
    if (typeof code === "string" && Object.hasOwn(FAULT_OF_CODE, code)) return FAULT_OF_CODE[code]!;
  }
  const status = thrown.$metadata?.httpStatusCode;
  // An answer that could not be parsed comes with its status and a parser's error.
  if (isParseError(thrown)) return status !== undefined && status >= 500 ? "transient" : "not-s3";
  if (status !== undefined && status >= 300) return FAULT_OF_STATUS[status] ?? (status >= 500 ? "transient" : "other");
  return faultOfConnection(thrown);
}

function isParseError({ name, message = "" }: Thrown): boolean {
  return name === "SyntaxError" ||
    /Deserialization error|not well-formed|Unclosed tag|char '.*' is not expected/i.test(message);
}

/**
 * Errors below HTTP have only the texts of the operating system, of Deno and of its TLS library.
 */
function faultOfConnection(thrown: Thrown): S3Fault {
  const words = wordsOf(thrown);
  if (/certificate|UnknownIssuer|self.signed|UNABLE_TO_VERIFY|ERR_TLS|tls handshake|InvalidContentType/i.test(words)) {
    return "untrusted";
  }
  if (
    /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|connection refused|dns error|lookup address/i.test(words)
  ) {
    return "unreachable";
  }
  if (/Region is missing/i.test(words)) return "no-region";
  if (
    /ECONNRESET|EPIPE|ETIMEDOUT|reading a body|aborted|socket hang up|closed|reset|TimeoutError|broken pipe|end of file|incomplete/i
      .test(words)
  ) {
    return "transient";
  }
  return "other";
}

function wordsOf(thrown: Thrown): string {
  const inner = typeof thrown.cause === "object" && thrown.cause !== null ? wordsOf(thrown.cause as Thrown) : "";
  return `${thrown.name ?? ""} ${String(thrown.code ?? "")} ${thrown.message ?? ""} ${inner}`;
}

/**
 * Worth another try: nothing about the request itself is wrong. The client corrects its clock after
 * the first `clock`.
 */
export function isTransient(error: unknown): boolean {
  const fault = faultOf(error);
  return fault === "transient" || fault === "unreachable" || fault === "clock";
}

export function isThrottled(error: unknown): boolean {
  return faultOf(error) === "throttled";
}
