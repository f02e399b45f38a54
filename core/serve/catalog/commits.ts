import { isKind } from "../../base/errors.ts";
import {
  identifierText,
  type LoadedTable,
  type TableChange,
  type TableIdentifier,
} from "../../iceberg/catalog/catalog.ts";
import { changeFromJson, readingRequest, readStrings } from "../../iceberg/catalog/change_from_json.ts";
import { commitTable } from "../../iceberg/commit.ts";
import { type JsonObject, readArray, readObject, readString } from "../../iceberg/format/json_field.ts";
import { snapshotById, type TableMetadata } from "../../iceberg/format/table_metadata.ts";
import { checkRequirements, type TableRequirement } from "../../iceberg/format/table_requirement.ts";
import type { TableUpdate } from "../../iceberg/format/table_update.ts";
import { emptyAnswer } from "../answer.ts";
import { badRequest, HttpRefusal } from "../http_refusal.ts";
import type { CatalogCall } from "./catalog_call.ts";
import { checkedName, checkedNamespace } from "./names.ts";
import { requireNamespace } from "./namespaces.ts";
import { checkPlaces } from "./places.ts";
import { noTable, tableAnswer } from "./table_answer.ts";

/** One of the two ways to change a table; the other is a transaction. */
export async function commitToTable(call: CatalogCall): Promise<Response> {
  const body = await call.incoming.readJson();
  const { identifier } = call;
  const named = body.identifier === undefined || body.identifier === null ? identifier : identifierIn(body);
  if (identifierText(named) !== identifierText(identifier)) {
    throw badRequest(`Cannot commit to ${identifierText(identifier)}: the body names ${identifierText(named)}`);
  }
  return await tableAnswer(await commitChange(call, identifier, changeFromJson(body)));
}

/**
 * A change of one table is a commit. Several tables cannot change as one: each has a file of its
 * own that must be created.
 */
export async function commitTransaction(call: CatalogCall): Promise<Response> {
  const body = await call.incoming.readJson();
  const changes = readingRequest(() =>
    readArray(body, "table-changes").map((item) => {
      const object = readObject(item, "table change");
      return { identifier: identifierIn(object), change: changeFromJson(object) };
    })
  );
  if (changes.length > 1) {
    throw new HttpRefusal(
      406,
      "UnsupportedOperationException",
      "Cannot commit to several tables at once: a lake's files have no transaction over tables; commit to one after another",
    );
  }
  const [only] = changes;
  if (only === undefined) throw badRequest("Cannot commit: there is no change");
  await commitChange(call, only.identifier, only.change);
  return emptyAnswer(204);
}

function identifierIn(body: JsonObject): TableIdentifier {
  return readingRequest(() => {
    const object = readObject(body.identifier, "identifier");
    const namespace = checkedNamespace(readStrings(object, "namespace"));
    return { namespace, name: checkedName(readString(object, "name")) };
  });
}

async function commitChange(call: CatalogCall, identifier: TableIdentifier, change: TableChange): Promise<LoadedTable> {
  const { catalog, clock, random } = call.parts;
  const isCreate = change.requirements.some(({ type }) => type === "assert-create");
  if (isCreate) return await createByCommit(call, identifier, change);
  const base = await catalog.loadTable(identifier);
  if (base === undefined) throw noTable(identifier);
  await checkPlaces(identifier, base.io.location, change.updates);
  const { commitId } = call;
  try {
    const { table } = await commitTable(catalog, identifier, (transaction) => {
      const { metadata } = transaction;
      if (isDone(metadata, change, commitId)) return false;
      requireAll(change.requirements, metadata);
      checkHeads(metadata, change.updates);
      transaction.add(change);
      return true;
    }, { clock, random, base, commitId });
    return call.idempotencyKey === undefined ? table : await catalog.loadTable(identifier) ?? table;
  } catch (error) {
    throw afterTry(error, identifier);
  }
}

/** The end of a transaction that creates a table: nothing of it was there before. */
async function createByCommit(
  call: CatalogCall,
  identifier: TableIdentifier,
  { requirements, updates }: TableChange,
): Promise<LoadedTable> {
  const { parts: { catalog }, commitId } = call;
  await requireNamespace(call.parts, identifier.namespace);
  const location = catalog.locationOf(identifier);
  await checkPlaces(identifier, location, updates);
  // In the one spelling that all of the table's names begin with.
  const placed: TableUpdate[] = updates.filter(({ action }) => action !== "set-location");
  placed.unshift({ action: "set-location", location: location.recorded });
  return await createOnce(
    call,
    identifier,
    () => catalog.createTable(identifier, () => ({ requirements, updates: placed }), commitId),
    "Requirement failed: table already exists",
  );
}

/** Creates a table, unless this very request has created it before. */
export async function createOnce(
  { parts: { catalog }, commitId }: CatalogCall,
  identifier: TableIdentifier,
  create: () => Promise<LoadedTable>,
  taken = "Table already exists",
): Promise<LoadedTable> {
  try {
    return await create();
  } catch (error) {
    if (!isKind(error, "conflict")) throw afterTry(error, identifier);
    const found = await catalog.loadTable(identifier);
    if (found !== undefined && carries(found.metadata, commitId)) return found;
    throw new HttpRefusal(409, "AlreadyExistsException", `${taken}: ${identifierText(identifier)}`);
  }
}

/**
 * Whether the change was made before: by a request with the same key, or one whose snapshots are
 * there. Clients repeat a request whose answer was lost, and a second copy of its rows must not
 * come of it.
 */
function isDone(metadata: TableMetadata, { updates }: TableChange, commitId: string): boolean {
  const added = updates.flatMap((update) => update.action === "add-snapshot" ? [update.snapshot.snapshotId] : []);
  if (added.length > 0 && added.every((id) => snapshotById(metadata, id) !== undefined)) return true;
  return carries(metadata, commitId);
}

function carries(metadata: TableMetadata, commitId: string): boolean {
  return metadata.commitId === commitId || metadata.metadataLog.some((entry) => entry.commitId === commitId);
}

/** In the words of Iceberg's own library, which its clients and their tests know. */
const CHANGED: Record<TableRequirement["type"], string> = {
  "assert-create": "table already exists",
  "assert-table-uuid": "UUID does not match",
  "assert-ref-snapshot-id": "branch or tag has changed",
  "assert-last-assigned-field-id": "last assigned field id changed",
  "assert-current-schema-id": "current schema changed",
  "assert-last-assigned-partition-id": "last assigned partition id changed",
  "assert-default-spec-id": "default partition spec changed",
  "assert-default-sort-order-id": "default sort order changed",
};

function requireAll(requirements: readonly TableRequirement[], metadata: TableMetadata): void {
  for (const requirement of requirements) {
    try {
      checkRequirements([requirement], metadata);
    } catch (error) {
      if (!isKind(error, "conflict")) throw error;
      const reason = error.message.replace("Cannot commit: ", "");
      throw commitFailed(`Requirement failed: ${CHANGED[requirement.type]}: ${reason}`);
    }
  }
}

/**
 * A new snapshot must go on from the head of its branch, whatever the client has required: one that
 * does not would take away the rows of those between.
 */
function checkHeads(metadata: TableMetadata, updates: readonly TableUpdate[]): void {
  const heads = new Map(Object.entries(metadata.refs).map(([name, { snapshotId }]) => [name, snapshotId]));
  const parents = new Map<bigint, bigint | undefined>();
  for (const update of updates) {
    if (update.action === "add-snapshot") {
      parents.set(update.snapshot.snapshotId, update.snapshot.parentSnapshotId);
    } else if (update.action === "remove-snapshot-ref") heads.delete(update.refName);
    else if (update.action === "set-snapshot-ref") {
      const { refName, ref } = update, head = heads.get(refName);
      if (head !== undefined && ref.type === "branch" && !goesOnFrom(head, ref.snapshotId, parents)) {
        throw commitFailed(
          `Requirement failed: branch ${refName} has changed: the new snapshot does not go on from ${head}`,
        );
      }
      heads.set(refName, ref.snapshotId);
    }
  }
}

/** Snapshots that were there before may become the head again: that is a rollback. */
function goesOnFrom(head: bigint, snapshotId: bigint, added: ReadonlyMap<bigint, bigint | undefined>): boolean {
  if (!added.has(snapshotId)) return true;
  let at = added.get(snapshotId);
  // Updates may name parents in a circle.
  for (let steps = 0; at !== undefined && steps <= added.size; steps++) {
    if (at === head) return true;
    at = added.get(at);
  }
  return false;
}

function commitFailed(message: string): HttpRefusal {
  return new HttpRefusal(409, "CommitFailedException", message);
}

/**
 * What a commit that was tried is refused with. Never "try again later": clients repeat such a
 * request with rows that may be there by now.
 */
function afterTry(error: unknown, identifier: TableIdentifier): unknown {
  if (isKind(error, "conflict")) return commitFailed(error.message);
  if (isKind(error, "not-found")) return noTable(identifier);
  if (!isKind(error, "unavailable")) return error;
  return new HttpRefusal(500, "CommitStateUnknownException", error.message);
}
