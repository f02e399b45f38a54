import type { JsonNode } from "../../json/tree.ts";
import { contractError, ContractProblem } from "../contract_error.ts";
import { KEYWORDS } from "./keywords.ts";
import { refsStandAlone } from "./older_dialects.ts";
import { decodedUri } from "./schema_check.ts";

/** A schema as it stands in its document. */
export interface SchemaPlace {
  readonly node: JsonNode;
  /** JSON pointer; in another file than the contract's behind its path and `#`. */
  readonly pointer: string;
  /** The URI that references in it are relative to. */
  readonly base: string;
  /** Up to draft-07 nothing stands beside a reference. */
  readonly refsStandAlone: boolean;
}

/** The other files of the contract's folder. */
export interface ContractNeighbours {
  /** The contract's own file name. */
  readonly file: string;
  /** The document at a path below the folder; undefined where there is none. */
  read(path: string): JsonNode | undefined;
}

/** Stands for the folder of a document that gives itself no URI. */
const FOLDER = "contract:///folder/";

/**
 * All schemas of a document, found by pointer, by anchor and by URI, and those of files beside it
 * that references lead to.
 */
export class SchemaIndex {
  readonly #root: SchemaPlace;
  readonly #neighbours: ContractNeighbours | undefined;
  /** By path below the contract's folder. */
  readonly #files = new Map<string, SchemaPlace | undefined>();
  /** What is wrong with files, by the same: many references may lead to one. */
  readonly #broken = new Map<string, ContractProblem>();
  /** By URI, which ends with `#anchor` for an anchor. */
  readonly #named = new Map<string, SchemaPlace>();
  /** Of what references lead through, by key: there may be as many definitions as references. */
  readonly #children = new Map<JsonNode, ReadonlyMap<string, JsonNode>>();
  /** The bases of schemas, by pointer; others have their parent's. */
  readonly #bases = new Map<string, string>();

  constructor(root: JsonNode, neighbours: ContractNeighbours | undefined) {
    this.#neighbours = neighbours;
    const file = neighbours?.file ?? "";
    this.#root = this.#document(root, file, "");
    this.#files.set(file, this.#root);
  }

  /** The document itself. */
  root(): SchemaPlace {
    return this.#root;
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
    const place = resource === undefined
      ? undefined
      : this.#named.get(resource) ?? this.#neighbour(resource, reference);
    if (place === undefined) throw this.#leadsOut(reference, at);
    const found = fragment === "" || fragment.startsWith("/")
      ? this.#follow(place, fragment)
      : this.#named.get(`${place.base}#${fragment}`);
    if (found === undefined) throw contractError(at, `the reference ${JSON.stringify(reference)} leads to nothing`);
    return found;
  }

  /** A document as a whole, with all its schemas known. */
  #document(node: JsonNode, path: string, pointer: string): SchemaPlace {
    const uri = `${FOLDER}${path.split("/").map(encodeURIComponent).join("/")}`;
    const place = { node, pointer, base: uri, refsStandAlone: refsStandAlone(node) };
    this.#named.set(uri, place);
    this.#bases.set(pointer, uri);
    this.#walk(place, uri);
    return { ...place, base: this.#bases.get(pointer)! };
  }

  #leadsOut(reference: string, at: string): ContractProblem {
    const text = JSON.stringify(reference);
    if (this.#neighbours === undefined) {
      return contractError(
        at,
        `the reference ${text} leads out of this text`,
        'Copy what it names into "$defs": only a contract that is read from a file, as by consume --contract, has ' +
          "others beside it",
      );
    }
    return contractError(
      at,
      `the reference ${text} leads out of this file, and to none of its folder`,
      'Put the file beside the contract, or copy what it names into "$defs": nothing is fetched',
    );
  }

  /**
   * The file that stands to a known one as its URI does to the known one's; of a whole URI, if the
   * file has no `$id` that says otherwise. Else the file of that name whose `$id` the URI is.
   */
  #neighbour(resource: string, reference: string): SchemaPlace | undefined {
    const isWhole = URL.canParse(reference);
    const beside = this.#pathsBeside(resource);
    const file =
      beside.map((path) => this.#file(path)).find((found) =>
        found !== undefined && (!isWhole || found.base.startsWith(FOLDER) || found.base === resource)
      ) ?? named(beside, resource).map((path) => this.#file(path)).find((found) => found?.base === resource);
    if (file !== undefined) this.#named.set(resource, file);
    return file;
  }

  /** Paths at which the file of a URI would lie, by the URIs of the files that are known. */
  #pathsBeside(resource: string): string[] {
    const folders = new Map([[FOLDER, ""]]);
    for (const [path, place] of this.#files) {
      if (place !== undefined) folders.set(folderOf(place.base), folderOf(path));
    }
    return [...folders].flatMap(([uri, folder]) => {
      const names = resource.startsWith(uri) ? namesIn(resource.slice(uri.length)) : undefined;
      return names === undefined ? [] : [`${folder}${names}`];
    });
  }

  #file(path: string): SchemaPlace | undefined {
    if (this.#neighbours === undefined) return undefined;
    const problem = this.#broken.get(path);
    if (problem !== undefined) throw problem;
    if (!this.#files.has(path)) {
      const node = this.#read(path, this.#neighbours);
      this.#files.set(path, node === undefined ? undefined : this.#document(node, path, `${path}#`));
    }
    return this.#files.get(path);
  }

  #read(path: string, neighbours: ContractNeighbours): JsonNode | undefined {
    try {
      return neighbours.read(path);
    } catch (error) {
      if (error instanceof ContractProblem) this.#broken.set(path, error);
      throw error;
    }
  }

  #follow(place: SchemaPlace, fragment: string): SchemaPlace | undefined {
    let { node, pointer, base } = place;
    const { refsStandAlone } = place;
    for (const step of fragment.split("/").slice(1)) {
      const key = decoded(step);
      const inner = this.#childOf(node, key);
      if (inner === undefined) return undefined;
      node = inner;
      pointer = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      base = this.#bases.get(pointer) ?? base;
    }
    return { node, pointer, base, refsStandAlone };
  }

  #childOf(node: JsonNode, key: string): JsonNode | undefined {
    if (node.kind === "array") return node.items[Number(key)];
    if (node.kind !== "object") return undefined;
    let children = this.#children.get(node);
    // Of two equal keys, which is a mistake anyway, the first.
    if (children === undefined) this.#children.set(node, children = new Map(node.entries.toReversed()));
    return children.get(key);
  }

  #walk(place: SchemaPlace, outer: string): void {
    const { node, pointer, refsStandAlone } = place;
    if (node.kind !== "object") return;
    const keywords = new Map(node.entries);
    let base = outer;
    const isReference = refsStandAlone && keywords.has("$ref");
    for (const name of isReference ? [] : ["$id", "id"]) {
      const id = keywords.get(name);
      const uri = id?.kind === "string" ? uriOf(id.value, outer) : undefined;
      if (uri === undefined) continue;
      const [resource, anchor = ""] = uri.split("#", 2);
      if (anchor === "") base = resource!;
      // Up to draft-07 an anchor is an $id that is a fragment.
      this.#named.set(anchor === "" ? resource! : uri, { ...place, base });
    }
    if (base !== outer) this.#bases.set(pointer, base);
    for (const name of ["$anchor", "$dynamicAnchor"]) {
      const anchor = keywords.get(name);
      if (anchor?.kind === "string") this.#named.set(`${base}#${anchor.value}`, { ...place, base });
    }
    for (const [name, node] of keywords) {
      this.#walkKeyword(name, { ...place, node, pointer: `${pointer}/${escaped(name)}`, base });
    }
  }

  #walkKeyword(name: string, place: SchemaPlace): void {
    const { node: value, pointer, base } = place;
    const shape = HOLDERS[name] ?? KEYWORDS[name];
    if (shape === "schema" || shape === "schemas") {
      if (value.kind === "array") {
        value.items.forEach((node, index) => this.#walk({ ...place, node, pointer: `${pointer}/${index}` }, base));
      } else this.#walk(place, base);
    }
    if ((shape === "named schemas" || shape === "matched schemas") && value.kind === "object") {
      for (const [key, node] of value.entries) {
        this.#walk({ ...place, node, pointer: `${pointer}/${escaped(key)}` }, base);
      }
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

/** Up to the last `/`. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** Folders and a file, from a part of a URI; undefined where one of them is no plain name. */
function namesIn(text: string): string | undefined {
  const names = text.split("/").map(decodedUri);
  return names.some((name) => name === "" || name === "." || name === ".." || /[/\\\0]/.test(name))
    ? undefined
    : names.join("/");
}

/** Paths of files that may give themselves a URI: schemas are published without the ending. */
function named(beside: readonly string[], resource: string): string[] {
  const name = namesIn(resource.slice(folderOf(resource).length));
  const paths = name === undefined ? beside : [...beside, name];
  return paths.flatMap((path) => [path, `${path}.json`]);
}

function uriOf(reference: string, base: string): string | undefined {
  try {
    const { href } = new URL(reference, base);
    return href.endsWith("#") ? href.slice(0, -1) : href;
  } catch {
    return undefined;
  }
}

function decoded(step: string): string {
  return decodedUri(step).replaceAll("~1", "/").replaceAll("~0", "~");
}

function escaped(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
