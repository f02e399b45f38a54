import { fileURLToPath } from "node:url";
import { StreamlabError } from "../base/errors.ts";
import { checkPath } from "./path.ts";

/**
 * A place that a store can have its root at. A path may be relative to the working folder; `prefix`
 * does not end with a slash.
 */
export type Location =
  | { kind: "local"; path: string }
  | { kind: "s3"; bucket: string; prefix: string };

/**
 * What users write as a place: `local` (./lake), `s3` (s3://lake), a path, a `file:` URI
 * (percent-decoded, as URIs are), or `s3://bucket/prefix` (taken as it stands, as S3's own tools
 * do; `s3a` and `s3n` are Hadoop's names for it). Anything else is `usage`.
 */
export function parseLocation(text: string): Location {
  if (text === "") throw refused(text, "it is empty");
  if (text === "local") return { kind: "local", path: "lake" };
  if (text === "s3") return { kind: "s3", bucket: "lake", prefix: "" };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined || !(text.includes("://") || scheme === "file")) {
    if (/^s3[an]?:/i.test(text)) throw refused(text, "two slashes follow s3:");
    return { kind: "local", path: text };
  }
  if (scheme === "file") return { kind: "local", path: parseFileUri(text) };
  if (scheme === "s3" || scheme === "s3a" || scheme === "s3n") return parseS3Uri(text);
  throw refused(text, `places on "${scheme}" are not known`);
}

function parseFileUri(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (error) {
    throw refused(text, "it is no file URI of this machine", error);
  }
}

function parseS3Uri(text: string): Location {
  const [, bucket = "", rest = ""] = /^[^:]+:\/\/([^/]*)\/?(.*)$/s.exec(text) ?? [];
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(bucket)) {
    throw refused(text, bucket === "" ? "it names no bucket" : `"${bucket}" cannot be the name of a bucket`);
  }
  const prefix = rest.replace(/\/+$/, "");
  if (prefix !== "") checkPath(prefix);
  return { kind: "s3", bucket, prefix };
}

function refused(text: string, why: string, cause?: unknown): StreamlabError {
  return new StreamlabError("usage", `Cannot use "${text}" as a place: ${why}`, {
    hint: 'Write "local", "s3", a path, file:///folder or s3://bucket/prefix',
    cause,
  });
}

/**
 * The place as people and metadata write it: a path, or `s3://bucket/prefix`. Where the path is
 * absolute, it is the `root` of its store.
 */
export function formatLocation(location: Location): string {
  if (location.kind === "local") return location.path;
  return `s3://${location.bucket}${location.prefix === "" ? "" : `/${location.prefix}`}`;
}
