import { equal } from "node:assert/strict";
import { seededRandom } from "../../../core/base/random.ts";
import { FolderNames } from "../../../core/storage/local/folder_names.ts";

Deno.test("what lies below a folder is forgotten with it, and nothing else", () => {
  const random = seededRandom(7);
  const below = (end: number) => Math.floor(random.next() * end);
  const step = () => String.fromCharCode(97 + below(3));
  const path = () => `/${Array.from({ length: 1 + below(4) }, step).join("/")}`;
  const names = new FolderNames();
  let known = new Set<string>();
  for (let turn = 0; turn < 5_000; turn++) {
    const folder = path();
    if (below(3) > 0) {
      names.add(folder);
      known.add(folder);
    } else {
      names.deleteBelow(folder);
      known = new Set([...known].filter((each) => each !== folder && !each.startsWith(`${folder}/`)));
    }
    const asked = path();
    equal(names.has(asked), known.has(asked), `${asked} after turn ${turn}`);
    equal(names.size, known.size);
  }
  names.clear();
  equal(names.size, 0);
  names.add("/a/b");
  names.deleteBelow("/a");
  equal(names.has("/a/b"), false);
});
