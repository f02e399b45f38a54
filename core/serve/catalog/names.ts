import { badRequest } from "../http_refusal.ts";

const SEPARATOR = "\x1f";
const LEVELS_MAX = 16;
/** Of a file name on most disks, less what temporary files add to it. */
const NAME_BYTES_MAX = 200;
/** Folders of a table: a name of ours between them would hide it. */
const TABLE_FOLDERS = ["metadata", "data"];

/** A name of a table, or of one level of a namespace, that can be a folder of the warehouse. */
export function checkedName(name: string): string {
  const problem = problemWith(name);
  if (problem === undefined) return name;
  throw badRequest(`Cannot use ${JSON.stringify(name.slice(0, 100))} as a name: ${problem}`);
}

function problemWith(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (new TextEncoder().encode(name).length > NAME_BYTES_MAX) return `it has more than ${NAME_BYTES_MAX} bytes`;
  if (name.startsWith(".")) return "it begins with a dot";
  if (TABLE_FOLDERS.includes(name)) return "folders of tables have that name";
  if (/[/\\]/.test(name)) return "a slash would lead to another folder";
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f-\x9f]/.test(name) || !name.isWellFormed()) return "it holds a character that no name has";
  return undefined;
}

/** A namespace as a list of names. */
export function checkedNamespace(names: readonly string[]): string[] {
  if (names.length === 0) throw badRequest("Cannot use an empty list as a namespace");
  if (names.length > LEVELS_MAX) throw badRequest(`Cannot use a namespace of more than ${LEVELS_MAX} levels`);
  const checked = names.map(checkedName);
  if (encodeURIComponent(checked.join(SEPARATOR)).length <= NAME_BYTES_MAX) return checked;
  throw badRequest(`Cannot use a namespace whose name has more than ${NAME_BYTES_MAX} bytes when it is encoded`);
}

/** `accounting%1Ftax` of an address (REST catalog specification: namespace). */
export function namespaceFromText(text: string): string[] {
  return checkedNamespace(text.split(SEPARATOR));
}

/** A part of a path: a plus is a space, as Java's clients encode it; others encode the plus. */
export function decodedSegment(segment: string): string {
  try {
    return decodeURIComponent(segment.replaceAll("+", " "));
  } catch {
    throw badRequest("Cannot read the address: it is not percent-encoded UTF-8");
  }
}
