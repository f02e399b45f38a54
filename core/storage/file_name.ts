import { StreamlabError } from "../base/errors.ts";
import { formatLocation } from "./location.ts";
import type { Location } from "./location.ts";
import { checkPath } from "./path.ts";

/**
 * How the ledger and the `_source_file` column name a file: one inside the lake by its path in the lake (`raw/events/x.json`),
 * so that a lake can be moved; any other by its URI (`s3://bucket/x.json`, `file:///data/x y.json`). Never percent-encoded, so the name
 * is what people see in the folder. `path` is the file's below `place`.
 */
export function nameFile(lake: Location, place: Location, path: string): string {
  const uri = uriOf(place, path);
  const inside = uriOf(lake, "");
  return uri.startsWith(inside) ? uri.slice(inside.length) : uri;
}

/** The reverse of `nameFile`: the place whose store holds the file, and the path below it. */
export function locateFile(lake: Location, name: string): { place: Location; path: string } {
  const s3 = /^s3:\/\/([^/]+)\/(.+)$/s.exec(name);
  if (s3 !== null) return { place: { kind: "s3", bucket: s3[1]!, prefix: "" }, path: checked(s3[2]!) };
  if (name.startsWith("file:///")) return { place: { kind: "local", path: "/" }, path: checked(name.slice(8)) };
  if (/^[a-z0-9]+:\/\//.test(name)) throw new StreamlabError("corrupt", `Cannot find "${name}": no place of that kind`);
  return { place: lake, path: checked(name) };
}

/** URI of the place with a slash at the end, or of a file in it. */
function uriOf(place: Location, path: string): string {
  const root = place.kind === "local" ? `file://${place.path}` : formatLocation(place);
  return root.endsWith("/") ? root + path : `${root}/${path}`;
}

function checked(path: string): string {
  checkPath(path);
  return path;
}
