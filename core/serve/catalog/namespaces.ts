import { isKind } from "../../base/errors.ts";
import { readingRequest, readStrings } from "../../iceberg/catalog/change_from_json.ts";
import type { NamespaceRecord } from "../../iceberg/catalog/file_namespaces.ts";
import { readStringMap } from "../../iceberg/format/json_field.ts";
import { emptyAnswer, jsonAnswer } from "../answer.ts";
import { HttpRefusal } from "../http_refusal.ts";
import type { CatalogCall, CatalogParts } from "./catalog_call.ts";
import { checkedNamespace, namespaceFromText } from "./names.ts";
import { pageOf } from "./pages.ts";
import { checkFolder } from "./places.ts";

/** Not written down: a lake may be moved. */
const LOCATION = "location";
/** Writers of one namespace's properties that push each other. */
const ATTEMPTS_MAX = 10;
/** Of all keys and values: the record is read whole by every listing. */
const PROPERTIES_LETTERS_MAX = 200_000;

export async function listNamespaces(call: CatalogCall): Promise<Response> {
  const { parts: { catalog, namespaces }, incoming: { query } } = call;
  const text = query.get("parent") ?? "";
  const parent = text === "" ? [] : namespaceFromText(text);
  if (parent.length > 0) await requireNamespace(call.parts, parent);
  const children = new Map<string, string[]>();
  for (const namespace of [...await catalog.listNamespaces(), ...await namespaces.list()]) {
    if (namespace.length <= parent.length || !isBelow(namespace, parent)) continue;
    const child = namespace.slice(0, parent.length + 1);
    children.set(child.join("\x1f"), child);
  }
  const page = pageOf([...children.values()], (child) => child.join("\x1f"), query);
  return jsonAnswer(200, { namespaces: page.items, "next-page-token": page.nextToken });
}

export async function createNamespace(call: CatalogCall): Promise<Response> {
  const body = await call.incoming.readJson();
  const { namespace, properties } = readingRequest(() => ({
    namespace: checkedNamespace(readStrings(body, "namespace")),
    properties: readStringMap(body.properties),
  }));
  const kept = propertiesToKeep(call.parts, namespace, properties);
  const { parts: { catalog, namespaces }, commitId } = call;
  const table = { namespace: namespace.slice(0, -1), name: namespace.at(-1)! };
  if (namespace.length > 1 && await catalog.loadTable(table) !== undefined) {
    throw taken(namespace, "a table has that name, and its folder");
  }
  const base = await namespaces.find(namespace);
  if (base?.isDropped === false && base.commitId === commitId) return namespaceAnswer(call.parts, base);
  if (await namespaceExists(call.parts, namespace, base)) throw taken(namespace);
  try {
    const record = await namespaces.put(base, { namespace, properties: kept, isDropped: false, commitId });
    return namespaceAnswer(call.parts, record);
  } catch (error) {
    throw isKind(error, "conflict") ? taken(namespace) : error;
  }
}

export async function loadNamespace(call: CatalogCall): Promise<Response> {
  const { namespace, parts } = call;
  const record = await requireNamespace(parts, namespace);
  return namespaceAnswer(parts, { namespace, properties: livingProperties(record) });
}

export async function checkNamespace(call: CatalogCall): Promise<Response> {
  await requireNamespace(call.parts, call.namespace);
  return emptyAnswer(204);
}

export async function updateNamespace(call: CatalogCall): Promise<Response> {
  const body = await call.incoming.readJson();
  const { removals, updates } = readingRequest(() => ({
    removals: body.removals === undefined || body.removals === null ? [] : readStrings(body, "removals"),
    updates: readStringMap(body.updates),
  }));
  const both = removals.find((key) => Object.hasOwn(updates, key));
  if (both !== undefined) {
    throw new HttpRefusal(422, "UnprocessableEntityException", `Cannot both set and remove the property "${both}"`);
  }
  const { namespace, parts, commitId } = call;
  for (let attempt = 1;; attempt++) {
    const base = await requireNamespace(parts, namespace);
    const before = livingProperties(base);
    // Earlier versions kept a location that a client had named.
    const kept = Object.entries(before).filter(([key]) => key !== LOCATION && !removals.includes(key));
    const properties = propertiesToKeep(parts, namespace, { ...Object.fromEntries(kept), ...updates });
    try {
      await parts.namespaces.put(base, { namespace, properties, isDropped: false, commitId });
      const missing = removals.filter((key) => !Object.hasOwn(before, key));
      const removed = removals.filter((key) => Object.hasOwn(before, key));
      return jsonAnswer(200, { updated: Object.keys(updates), removed, missing });
    } catch (error) {
      if (!isKind(error, "conflict") || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

/** Written down as a version of its record, so that nothing is deleted. */
export async function dropNamespace(call: CatalogCall): Promise<Response> {
  const { namespace, parts, commitId } = call;
  const record = await parts.namespaces.find(namespace);
  if (record?.isDropped === true && record.commitId === commitId) return emptyAnswer(204);
  await requireNamespace(parts, namespace);
  const inner = (await parts.namespaces.list()).some((each) =>
    each.length > namespace.length && isBelow(each, namespace)
  );
  if (inner || await parts.catalog.holdsTables(namespace)) {
    throw new HttpRefusal(
      409,
      "NamespaceNotEmptyException",
      `Namespace ${namespace.join(".")} is not empty: it holds ${inner ? "other namespaces" : "tables"}`,
    );
  }
  await parts.namespaces.put(record, { namespace, properties: {}, isDropped: true, commitId });
  return emptyAnswer(204);
}

/** The namespace's record, if it has one; refused with 404 where there is no such namespace. */
export async function requireNamespace(
  parts: CatalogParts,
  namespace: string[],
): Promise<NamespaceRecord | undefined> {
  const record = await parts.namespaces.find(namespace);
  if (await namespaceExists(parts, namespace, record)) return record;
  throw new HttpRefusal(404, "NoSuchNamespaceException", `Namespace does not exist: ${namespace.join(".")}`);
}

/** One that was created, or holds a table or another namespace. */
export async function namespaceExists(
  { catalog, namespaces }: CatalogParts,
  namespace: string[],
  record: NamespaceRecord | undefined,
): Promise<boolean> {
  if (record?.isDropped === false) return true;
  if (await catalog.holdsTables(namespace)) return true;
  return (await namespaces.list()).some((each) => each.length > namespace.length && isBelow(each, namespace));
}

function isBelow(namespace: string[], parent: string[]): boolean {
  return parent.every((part, level) => part === namespace[level]);
}

function livingProperties(record: NamespaceRecord | undefined): Record<string, string> {
  return record === undefined || record.isDropped ? {} : record.properties;
}

/**
 * With the folder of its tables: Trino says where a new table shall be, and where it is not told
 * what to begin that with, it makes the table first and then refuses the folder as no longer empty.
 */
function namespaceAnswer(
  parts: CatalogParts,
  { namespace, properties }: Pick<NamespaceRecord, "namespace" | "properties">,
): Response {
  return jsonAnswer(200, { namespace, properties: { ...properties, [LOCATION]: folderOf(parts, namespace) } });
}

function folderOf({ catalog }: CatalogParts, namespace: string[]): string {
  const name = "table";
  return catalog.locationOf({ namespace, name }).recorded.slice(0, -`/${name}`.length);
}

/** Refuses a location that is not the namespace's own, for its tables will not be there. */
function propertiesToKeep(
  parts: CatalogParts,
  namespace: string[],
  { [LOCATION]: location, ...properties }: Record<string, string>,
): Record<string, string> {
  if (location !== undefined) checkFolder(namespace.join("."), folderOf(parts, namespace), location);
  checkSize(properties);
  return properties;
}

function taken(namespace: string[], why?: string): HttpRefusal {
  const reason = why === undefined ? "" : `: ${why}`;
  return new HttpRefusal(409, "AlreadyExistsException", `Namespace already exists: ${namespace.join(".")}${reason}`);
}

function checkSize(properties: Record<string, string>): void {
  const letters = Object.entries(properties).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (letters <= PROPERTIES_LETTERS_MAX) return;
  throw new HttpRefusal(413, "RequestTooLargeException", "The properties of a namespace have 200,000 letters at most");
}
