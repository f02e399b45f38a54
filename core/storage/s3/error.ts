import { messageOf, StreamlabError } from "../../base/errors.ts";
import type { ErrorKind } from "../../base/errors.ts";
import type { S3Settings } from "./settings.ts";
import { faultOf } from "./fault.ts";
import type { S3Fault, Thrown } from "./fault.ts";

interface Meaning {
  kind: ErrorKind;
  state: string;
  hint?: string;
}

interface Words {
  /** The service's own, or the connection's. */
  said: string;
  endpoint: string;
  region: string | undefined;
  isDefault: boolean;
}

const meanings: Record<S3Fault, (words: Words) => Meaning> = {
  "missing-key": () => ({ kind: "not-found", state: "there is no such object" }),
  "missing-bucket": ({ endpoint }) => ({
    kind: "unavailable",
    state: `there is no such bucket at ${endpoint}`,
    hint: "Create the bucket, or check the name and the endpoint (AWS_ENDPOINT_URL)",
  }),
  "missing-upload": () => ({
    kind: "unavailable",
    state: "another process ended the upload meanwhile",
    hint: "Run again",
  }),
  "changed": () => ({ kind: "conflict", state: "it has changed since it was listed" }),
  "contended": ({ said }) => ({
    kind: "unavailable",
    state: `another request is working on it (${said})`,
    hint: "Run again",
  }),
  "out-of-range": () => ({ kind: "corrupt", state: "it is shorter than expected" }),
  "throttled": ({ said, endpoint }) => ({
    kind: "unavailable",
    state: `${endpoint} asks for fewer requests (${said})`,
    hint: "Wait a while and run again",
  }),
  "transient": ({ said, endpoint }) => ({
    kind: "unavailable",
    state: `${endpoint} failed to answer (${said})`,
    hint: "Run again when the service is well",
  }),
  "unreachable": ({ said, endpoint, isDefault }) => ({
    kind: "unavailable",
    state: `${endpoint} cannot be reached (${said})`,
    hint: isDefault
      ? "Start MinIO (docker compose up, or deno task minio), or set AWS_ENDPOINT_URL, AWS_PROFILE or AWS_REGION to say where the bucket is"
      : "Check AWS_ENDPOINT_URL and the network",
  }),
  "untrusted": ({ said, endpoint }) => ({
    kind: "unavailable",
    state: `no trusted TLS connection to ${endpoint} (${said})`,
    hint: "Set AWS_CA_BUNDLE to the file with its certificate authority, and check http or https in AWS_ENDPOINT_URL",
  }),
  "clock": ({ endpoint }) => ({
    kind: "unavailable",
    state: `this machine's clock differs too much from that of ${endpoint}`,
    hint: "Set the clock (for example by NTP)",
  }),
  "key-id": ({ endpoint }) => ({
    kind: "unavailable",
    state: `the access key is not known at ${endpoint}`,
    hint: "Check AWS_ACCESS_KEY_ID or AWS_PROFILE, and that AWS_ENDPOINT_URL is the service they belong to",
  }),
  "secret": () => ({
    kind: "unavailable",
    state: "the secret key does not belong to the access key",
    hint: "Check AWS_SECRET_ACCESS_KEY",
  }),
  "token": () => ({
    kind: "unavailable",
    state: "the session token has expired or is not valid",
    hint: "Sign in again, or renew AWS_SESSION_TOKEN",
  }),
  "no-credentials": () => ({
    kind: "unavailable",
    state: "no credentials were found",
    hint: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
  }),
  "denied": ({ said }) => ({
    kind: "unavailable",
    state: `access denied (${said})`,
    hint: "Give these credentials the rights to list, read, write and delete below this prefix, or use others",
  }),
  "region": ({ said, region }) => ({
    kind: "unavailable",
    state: `the bucket is in another region than ${region ?? "the one that is set"} (${said})`,
    hint: "Set AWS_REGION to the bucket's region",
  }),
  "no-region": () => ({
    kind: "unavailable",
    state: "no region is set",
    hint: "Set AWS_REGION to the bucket's region",
  }),
  "full": ({ endpoint }) => ({
    kind: "unavailable",
    state: `no space left at ${endpoint}`,
    hint: "Free some space there and run again: nothing was left half-written",
  }),
  "unsupported": ({ said, endpoint }) => ({
    kind: "unavailable",
    state: `${endpoint} does not support it (${said})`,
    hint: "Use AWS S3 or a recent MinIO",
  }),
  "not-s3": ({ endpoint }) => ({
    kind: "unavailable",
    state: `${endpoint} does not answer as S3 does`,
    hint: "Check the port in AWS_ENDPOINT_URL: MinIO's console is no S3 endpoint",
  }),
  "other": ({ said }) => ({ kind: "unavailable", state: said }),
};

/**
 * A failed request as an error for people: `place` is `s3://bucket/key`. It contains neither
 * secrets nor headers.
 */
export function s3Error(action: string, place: string, error: unknown, settings: S3Settings): StreamlabError {
  if (error instanceof StreamlabError) return error;
  const fault = faultOf(error);
  // Only a reader can find an object missing or changed; for other requests such an answer is a
  // refusal.
  const isOdd = action !== "read" && (fault === "missing-key" || fault === "changed" || fault === "out-of-range");
  const { kind, state, hint } = meanings[isOdd ? "other" : fault]({
    said: wordOfService(error),
    endpoint: settings.endpoint ?? "AWS",
    region: settings.region,
    isDefault: settings.isDefault,
  });
  return new StreamlabError(kind, `Cannot ${action} "${place}": ${state}`, {
    hint,
    cause: withoutSecrets(error),
  });
}

/** The service's own words on one line, or the connection's. */
function wordOfService(error: unknown): string {
  const { name = "", message = "", $metadata, code } = (error ?? {}) as Thrown;
  const status = $metadata?.httpStatusCode;
  const words = (message === "UnknownError" ? "" : message) || (typeof code === "string" ? code : "") || name ||
    messageOf(error);
  return `${status !== undefined && status >= 300 ? `${status} ` : ""}${words}`.replace(/\s+/g, " ").replace(
    /[.:]\s*$/,
    "",
  ).slice(0, 300);
}

/**
 * Details for an investigation, copied one by one: the client's error object has the answer and can
 * have the key's id.
 */
function withoutSecrets(error: unknown): Error {
  const { name, $metadata, stack } = (error ?? {}) as Thrown & { stack?: string };
  const request = $metadata?.requestId === undefined ? "" : ` (request ${$metadata.requestId})`;
  const copy = new Error(`${wordOfService(error)}${request}`);
  copy.name = name ?? "Error";
  const frames = stack?.split("\n").filter((line) => line.startsWith("    at "));
  if (frames !== undefined) copy.stack = [`${copy.name}: ${copy.message}`, ...frames].join("\n");
  return copy;
}
