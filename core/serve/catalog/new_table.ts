import { uuidV4 } from "../../base/random.ts";
import { DEFAULT_PROPERTIES } from "../../iceberg/action/create_table.ts";
import { readingRequest, readSortOrder, specFromRequest } from "../../iceberg/catalog/change_from_json.ts";
import { type JsonObject, readObject, readString, readStringMap } from "../../iceberg/format/json_field.ts";
import { assignFieldIds, fieldsById, type Schema, schemaFromJson } from "../../iceberg/format/schema.ts";
import { unsorted } from "../../iceberg/format/sort_order.ts";
import { LAST_ADDED, type TableUpdate } from "../../iceberg/format/table_update.ts";
import { badRequest } from "../http_refusal.ts";
import type { CatalogParts } from "./catalog_call.ts";
import { checkedName } from "./names.ts";

/** A request to create a table (REST catalog specification: CreateTableRequest). */
export interface NewTable {
  name: string;
  /** The place that the client wants it at. */
  location: string | undefined;
  /** Whether it only begins a transaction that will create the table. */
  isStaged: boolean;
  updatesAt(location: string): TableUpdate[];
}

export function newTableFromJson(body: JsonObject, { random }: Pick<CatalogParts, "random">): NewTable {
  return readingRequest(() => {
    const name = checkedName(readString(body, "name"));
    const { schema, idOf } = withFreshIds(schemaFromJson(readObject(body.schema, "schema")));
    const sent = isGiven(body["partition-spec"]) ? specFromRequest(body["partition-spec"]) : { specId: 0, fields: [] };
    const spec = { ...sent, fields: sent.fields.map((field) => ({ ...field, sourceId: idOf(field.sourceId) })) };
    const wanted = isGiven(body["write-order"]) ? readSortOrder(body["write-order"]) : unsorted;
    const fields = wanted.fields.map((field) => ({ ...field, sourceId: idOf(field.sourceId) }));
    const { "format-version": formatVersion = "2", ...properties } = readStringMap(body.properties);
    if (formatVersion !== "2") {
      throw badRequest(`Cannot create a table of format version ${formatVersion}: 2 is written here`);
    }
    return {
      name,
      location: isGiven(body.location) ? readString(body, "location") : undefined,
      isStaged: body["stage-create"] === true,
      updatesAt: (location) => [
        { action: "assign-uuid", uuid: uuidV4(random) },
        { action: "upgrade-format-version", formatVersion: 2 },
        { action: "set-location", location },
        { action: "add-schema", schema },
        { action: "set-current-schema", schemaId: LAST_ADDED },
        { action: "add-spec", spec },
        { action: "set-default-spec", specId: LAST_ADDED },
        { action: "add-sort-order", sortOrder: { orderId: 0, fields } },
        { action: "set-default-sort-order", sortOrderId: LAST_ADDED },
        { action: "set-properties", updates: { ...DEFAULT_PROPERTIES, ...properties } },
      ],
    };
  });
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}

/** Ids count from 1 in a new table; clients of other catalogs may send those of another one. */
function withFreshIds(sent: Schema): { schema: Schema; idOf(sentId: number): number } {
  const names = [...fieldsById(sent).values()].map(({ path }) => path);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw badRequest(`Cannot create the table: two columns are named "${twice}"`);
  const { fields } = assignFieldIds(sent.fields, 1);
  const fresh = [...fieldsById({ schemaId: 0, fields }).keys()];
  const ids = new Map([...fieldsById(sent).keys()].map((id, i) => [id, fresh[i]!]));
  const idOf = (id: number) => {
    const found = ids.get(id);
    if (found === undefined) throw badRequest(`Cannot create the table: there is no column of the id ${id}`);
    return found;
  };
  const identifierFieldIds = sent.identifierFieldIds?.map(idOf);
  return { schema: { schemaId: 0, fields, identifierFieldIds }, idOf };
}
