/**
 * A URI or absolute path in one spelling: `s3a` and `s3n` are `s3`; `file:/x`, `file:///x`,
 * `file://localhost/x` and `/x` are `/x`; on disk `//`, `.` and `..` are resolved as the system
 * does. Nothing is percent-decoded, because metadata names files unencoded. Keys of S3 stay
 * unchanged: there `a//b` and `a/b` are two objects.
 */
export function normalizeUri(uri: string): string {
  const s3 = /^s3[an]?:\/\//i.exec(uri);
  if (s3 !== null) return `s3://${uri.slice(s3[0].length)}`;
  const file = /^file:(?:\/\/localhost(?=\/))?\/*/i.exec(uri);
  const path = file === null ? uri : `/${uri.slice(file[0].length)}`;
  return path.startsWith("/") ? resolveDots(path) : uri;
}

/** A store's root as a URI: a path on this disk gets its scheme. */
export function rootUri(root: string): string {
  return root.includes("://") ? root : `file://${root.startsWith("/") ? "" : "/"}${root}`;
}

/**
 * The same text for every spelling of one file: as `normalizeUri`, and also percent-decoded, with
 * `+` as a space and letters composed (some engines write `a%20b` into metadata for a file `a b`,
 * some name the file `a%20b`: apache/iceberg 4346). If two files share a key, a reference to one
 * keeps both. That costs a file; the opposite would cost rows. Takes paths of a store as well.
 */
export function uriKey(uri: string): string {
  const decoded = normalizeUri(uri).replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  });
  const spaced = decoded.replaceAll("+", " ").normalize("NFC");
  const s3 = /^s3:\/\/[^/]*/.exec(spaced)?.[0] ?? "";
  return s3 + resolveDots(spaced.slice(s3.length));
}

/** Whether one place is the other or lies in it; both as `uriKey` has them. */
export function isWithin(key: string, folderKey: string): boolean {
  const folder = folderKey.replace(/\/+$/, "");
  return key === folder || key === folderKey || key.startsWith(`${folder}/`);
}

function resolveDots(path: string): string {
  if (!/\/\/|(?:^|\/)\.{1,2}(?:\/|$)/.test(path)) return path;
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  const isFolder = /\/\.{0,2}$/.test(path) && parts.length > 0;
  return `${path.startsWith("/") ? "/" : ""}${parts.join("/")}${isFolder ? "/" : ""}`;
}
