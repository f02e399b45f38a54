import type { JsonNode } from "../../json/tree.ts";
import { contractError } from "../contract_error.ts";
import { KEYWORDS } from "./keywords.ts";
import { refsStandAlone } from "./older_dialects.ts";

/** A schema as it stands in its document. */
export interface SchemaPlace {
  readonly node: JsonNode;
  /** JSON pointer. */
  readonly pointer: string;
  /** The URI that references in it are relative to. */
  readonly base: string;
}

/** The document's own URI where it gives itself none. */
const UNNAMED = "contract:///schema";

/** All schemas of a document, found by pointer, by anchor and by URI. */
export class SchemaIndex {
  readonly #root: JsonNode;
  readonly #refsStandAlone: boolean;
  /** By URI, which ends with `#anchor` for an anchor. */
  readonly #named = new Map<string, SchemaPlace>();
  /** Of what references lead through, by key: there may be as many definitions as references. */
  readonly #children = new Map<JsonNode, ReadonlyMap<string, JsonNode>>();
  /** The bases of schemas, by pointer; others have their parent's. */
  readonly #bases = new Map<string, string>();

  constructor(root: JsonNode) {
    this.#root = root;
    this.#refsStandAlone = refsStandAlone(root);
    this.#named.set(UNNAMED, { node: root, pointer: "", base: UNNAMED });
    this.#walk(root, "", UNNAMED);
  }

  /** The document itself. */
  root(): SchemaPlace {
    return { node: this.#root, pointer: "", base: this.#bases.get("") ?? UNNAMED };
  }

  /** The URI that a schema gives itself, and references in it are relative to. */
  baseOf(pointer: string): string | undefined {
    return this.#bases.get(pointer);
  }

  /** Whether some of its schemas have a URI of their own. */
  hasParts(): boolean {
    return this.#bases.size > 1;
  }

  /** What a reference of `from` leads to; fails where that is not in the document. */
  resolve(reference: string, from: SchemaPlace, at: string): SchemaPlace {
    const uri = uriOf(reference, from.base);
    const [resource, fragment = ""] = uri === undefined ? [] : uri.split("#", 2);
    const place = resource === undefined ? undefined : this.#named.get(resource);
    if (place === undefined) {
      throw contractError(
        at,
        `the reference ${JSON.stringify(reference)} leads out of this file`,
        'Copy what it names into "$defs"',
      );
    }
    const found = fragment === "" || fragment.startsWith("/")
      ? this.#follow(place, fragment)
      : this.#named.get(`${resource}#${fragment}`);
    if (found === undefined) throw contractError(at, `the reference ${JSON.stringify(reference)} leads to nothing`);
    return found;
  }

  #follow(place: SchemaPlace, fragment: string): SchemaPlace | undefined {
    let { node, pointer, base } = place;
    for (const step of fragment.split("/").slice(1)) {
      const key = decoded(step);
      const inner = this.#childOf(node, key);
      if (inner === undefined) return undefined;
      node = inner;
      pointer = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      base = this.#bases.get(pointer) ?? base;
    }
    return { node, pointer, base };
  }

  #childOf(node: JsonNode, key: string): JsonNode | undefined {
    if (node.kind === "array") return node.items[Number(key)];
    if (node.kind !== "object") return undefined;
    let children = this.#children.get(node);
    // Of two equal keys, which is a mistake anyway, the first.
    if (children === undefined) this.#children.set(node, children = new Map(node.entries.toReversed()));
    return children.get(key);
  }

  #walk(node: JsonNode, pointer: string, outer: string): void {
    if (node.kind !== "object") return;
    const keywords = new Map(node.entries);
    let base = outer;
    const isReference = this.#refsStandAlone && keywords.has("$ref");
    for (const name of isReference ? [] : ["$id", "id"]) {
      const id = keywords.get(name);
      const uri = id?.kind === "string" ? uriOf(id.value, outer) : undefined;
      if (uri === undefined) continue;
      const [resource, anchor = ""] = uri.split("#", 2);
      if (anchor === "") base = resource!;
      // Up to draft-07 an anchor is an $id that is a fragment.
      this.#named.set(anchor === "" ? resource! : uri, { node, pointer, base });
    }
    if (base !== outer || pointer === "") this.#bases.set(pointer, base);
    for (const name of ["$anchor", "$dynamicAnchor"]) {
      const anchor = keywords.get(name);
      if (anchor?.kind === "string") this.#named.set(`${base}#${anchor.value}`, { node, pointer, base });
    }
    for (const [name, value] of keywords) this.#walkKeyword(name, value, `${pointer}/${escaped(name)}`, base);
  }

  #walkKeyword(name: string, value: JsonNode, pointer: string, base: string): void {
    const shape = HOLDERS[name] ?? KEYWORDS[name];
    if (shape === "schema" || shape === "schemas") {
      if (value.kind === "array") value.items.forEach((item, index) => this.#walk(item, `${pointer}/${index}`, base));
      else this.#walk(value, pointer, base);
    }
    if ((shape === "named schemas" || shape === "matched schemas") && value.kind === "object") {
      for (const [key, inner] of value.entries) this.#walk(inner, `${pointer}/${escaped(key)}`, base);
    }
  }
}

/** Keywords that hold schemas and say nothing by themselves, or only in older dialects. */
const HOLDERS: Readonly<Record<string, "schema" | "named schemas">> = {
  $defs: "named schemas",
  definitions: "named schemas",
  dependencies: "named schemas",
  additionalItems: "schema",
};

function uriOf(reference: string, base: string): string | undefined {
  try {
    const { href } = new URL(reference, base);
    return href.endsWith("#") ? href.slice(0, -1) : href;
  } catch {
    return undefined;
  }
}

function decoded(step: string): string {
  let text = step;
  try {
    text = decodeURIComponent(step);
  } catch {
    // A % that escapes nothing stands for itself.
  }
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
