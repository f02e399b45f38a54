import { StreamlabError } from "../base/errors.ts";
import { checkPath } from "./path.ts";
import { rootUri } from "./uri.ts";

/**
 * How the ledger and the `_source_file` column name a file: one inside the lake by its path in the
 * lake (`raw/events/x.json`), so that a lake can be moved; any other by its URI
 * (`s3://bucket/x.json`, `file:///data/x y.json`). Never percent-encoded, so the name is what
 * people see in the folder. Roots are those of stores; `path` is the file's below `root`, and may
 * be empty for what all names of that root begin with.
 */
export function nameFile(lakeRoot: string, root: string, path: string): string {
  const uri = folderUri(root) + path;
  const inside = folderUri(lakeRoot);
  return uri.startsWith(inside) ? uri.slice(inside.length) : uri;
}

/**
 * The reverse of `nameFile`: the root of a store that holds the file, and the file's path below it.
 */
export function locateFile(lakeRoot: string, name: string): { root: string; path: string } {
  const s3 = /^(s3:\/\/[^/]+)\/(.+)$/s.exec(name);
  if (s3 !== null) return { root: s3[1]!, path: checked(s3[2]!) };
  if (name.startsWith("file:///")) return { root: "/", path: checked(name.slice("file:///".length)) };
  if (/^[a-z0-9]+:\/\//.test(name)) throw new StreamlabError("corrupt", `Cannot find "${name}": no place of that kind`);
  return { root: lakeRoot, path: checked(name) };
}

/** The root of the store whose files' names begin with `base`: `nameFile(lakeRoot, root, "")`. */
export function rootOfNames(lakeRoot: string, base: string): string {
  if (base.startsWith("file:///")) return withoutSlash(base.slice("file://".length));
  return withoutSlash(base.includes("://") ? base : `${folderUri(lakeRoot).replace(/^file:\/\//, "")}${base}`);
}

function withoutSlash(root: string): string {
  return root === "/" ? root : root.replace(/\/$/, "");
}

/** With a slash at the end. */
function folderUri(root: string): string {
  const uri = rootUri(root);
  return uri.endsWith("/") ? uri : `${uri}/`;
}

function checked(path: string): string {
  checkPath(path);
  return path;
}
