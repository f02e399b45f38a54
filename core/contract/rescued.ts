import type { JsonPath } from "../json/pointer.ts";
import type { OnExtraFields, OnWrongType } from "./contract.ts";

/** Whether a table has the column `_rescued`. */
export function keepsRescued(
  { onExtraFields, onWrongType }: { onExtraFields: OnExtraFields; onWrongType?: OnWrongType | undefined },
): boolean {
  return onExtraFields !== "dead-letter" || onWrongType === "rescue";
}

type Tree = Map<string, Tree | string>;

/**
 * Fields as the JSON text of the column `_rescued`: an object shaped like the record that holds
 * only these fields, each with its exact text. Lists become objects keyed by index:
 * `{"device":{"x":1},"items":{"0":{"y":2}}}`.
 */
export function rescuedText(fields: readonly { readonly path: JsonPath; readonly json: string }[]): string {
  const root: Tree = new Map();
  for (const { path, json } of fields) {
    let tree = root;
    for (const step of path.slice(0, -1)) {
      const inner = tree.get(String(step));
      if (inner instanceof Map) {
        tree = inner;
      } else {
        const made: Tree = new Map();
        tree.set(String(step), made);
        tree = made;
      }
    }
    tree.set(String(path.at(-1)), json);
  }
  return write(root);
}

function write(tree: Tree): string {
  const members = [...tree].map(([key, value]) => {
    return `${JSON.stringify(key)}:${typeof value === "string" ? value : write(value)}`;
  });
  return `{${members.join(",")}}`;
}
