import { identifierText, type LoadedTable, type TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import { readingRequest } from "../../iceberg/catalog/change_from_json.ts";
import { readString } from "../../iceberg/format/json_field.ts";
import { applyUpdates } from "../../iceberg/format/table_update_applier.ts";
import { emptyAnswer, jsonAnswer } from "../answer.ts";
import { badRequest, HttpRefusal } from "../http_refusal.ts";
import type { CatalogCall } from "./catalog_call.ts";
import { createOnce } from "./commits.ts";
import { checkedName } from "./names.ts";
import { namespaceExists, requireNamespace } from "./namespaces.ts";
import { newTableFromJson } from "./new_table.ts";
import { pageOf } from "./pages.ts";
import { checkFolders, checkNewLocation } from "./places.ts";
import { vendedAccess } from "./storage_config.ts";
import { etagOf, noTable, stagedAnswer, tableAnswer } from "./table_answer.ts";

export async function listTables(call: CatalogCall): Promise<Response> {
  const { namespace, parts, incoming: { query } } = call;
  await requireNamespace(parts, namespace);
  const page = pageOf(await parts.catalog.listTables(namespace), ({ name }) => name, query);
  const identifiers = page.items.map((identifier) => ({ namespace: identifier.namespace, name: identifier.name }));
  return jsonAnswer(200, { identifiers, "next-page-token": page.nextToken });
}

export async function createTable(call: CatalogCall): Promise<Response> {
  const { namespace, parts, commitId } = call;
  const wanted = newTableFromJson(await call.incoming.readJson(), parts);
  const identifier = { namespace, name: wanted.name };
  await requireNamespace(parts, namespace);
  await checkFree(call, identifier);
  const location = parts.catalog.locationOf(identifier);
  if (wanted.location !== undefined) checkNewLocation(identifier, location, wanted.location);
  const updates = wanted.updatesAt(location.recorded);
  for (const update of updates) if (update.action === "set-properties") checkFolders(location, update.updates);
  // Before anything is made: without the keys there is no answer.
  const access = await vendedAccess(call);
  if (wanted.isStaged) {
    if (await parts.catalog.loadTable(identifier) !== undefined) throw taken(identifier);
    return stagedAnswer(applyUpdates(undefined, updates, parts.clock.nowMs()), access);
  }
  const change = { requirements: [{ type: "assert-create" as const }], updates };
  return await tableAnswer(
    await createOnce(call, identifier, () => parts.catalog.createTable(identifier, () => change, commitId)),
    { access },
  );
}

/** 304 where the client has the table as it is (`If-None-Match`). */
export async function loadTable(call: CatalogCall): Promise<Response> {
  const { incoming: { query, headers } } = call;
  const wanted = query.get("snapshots") ?? "all";
  if (wanted !== "all" && wanted !== "refs") throw badRequest(`Cannot load "${wanted}" snapshots: say all or refs`);
  const table = await requireTable(call);
  const access = await vendedAccess(call);
  const etag = etagOf(table, wanted, access);
  const known = (headers.get("if-none-match") ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return known.includes(etag) ? emptyAnswer(304, { etag }) : await tableAnswer(table, { wanted, access });
}

export async function checkTable(call: CatalogCall): Promise<Response> {
  await requireTable(call);
  return emptyAnswer(204);
}

/**
 * Forgets the table: its metadata files go. With `purgeRequested` its data goes, too, by the rules
 * of `deleteOwn`: only what lies in its folder under a name of the table format.
 */
export async function dropTable(call: CatalogCall): Promise<Response> {
  const { identifier, parts: { catalog }, incoming: { query } } = call;
  await requireTable(call);
  const purge = query.get("purgeRequested") ?? "false";
  if (purge !== "true" && purge !== "false") throw badRequest("Cannot drop the table: purgeRequested is true or false");
  await catalog.dropTable(identifier, { purge: purge === "true" });
  return emptyAnswer(204);
}

/** A table whose files were put into the warehouse becomes one of this catalog. */
export async function registerTable(call: CatalogCall): Promise<Response> {
  const body = await call.incoming.readJson();
  const { name, metadataLocation } = readingRequest(() => ({
    name: checkedName(readString(body, "name")),
    metadataLocation: readString(body, "metadata-location"),
  }));
  if (body.overwrite === true) {
    throw new HttpRefusal(
      406,
      "UnsupportedOperationException",
      "Cannot register over a table that exists: its versions only go forward",
    );
  }
  const { namespace, parts: { catalog }, commitId } = call;
  const identifier = { namespace, name };
  await requireNamespace(call.parts, namespace);
  await checkFree(call, identifier);
  const access = await vendedAccess(call);
  return await tableAnswer(
    await createOnce(call, identifier, () => catalog.registerTable(identifier, metadataLocation, commitId)),
    { access },
  );
}

/** Told for information, kept nowhere (REST catalog specification: reportMetrics). */
export async function takeMetrics(call: CatalogCall): Promise<Response> {
  await call.incoming.readJson();
  return emptyAnswer(204);
}

export function refuseRename(): Promise<Response> {
  return Promise.reject(
    new HttpRefusal(
      406,
      "UnsupportedOperationException",
      "Cannot rename tables: all names in a table's metadata begin with its folder, which has its name",
    ),
  );
}

async function requireTable(call: CatalogCall): Promise<LoadedTable> {
  const { identifier } = call;
  const table = await call.parts.catalog.loadTable(identifier);
  if (table === undefined) throw noTable(identifier);
  return table;
}

/** A namespace of that name would lie in the table's folder. */
async function checkFree({ parts }: CatalogCall, { namespace, name }: TableIdentifier): Promise<void> {
  const inner = [...namespace, name];
  if (!await namespaceExists(parts, inner, await parts.namespaces.find(inner))) return;
  throw new HttpRefusal(
    409,
    "AlreadyExistsException",
    `Cannot create ${identifierText({ namespace, name })}: a namespace has that name, and its folder`,
  );
}

function taken(identifier: TableIdentifier): HttpRefusal {
  return new HttpRefusal(409, "AlreadyExistsException", `Table already exists: ${identifierText(identifier)}`);
}
