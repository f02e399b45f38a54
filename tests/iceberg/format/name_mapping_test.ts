import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { mappedFieldId, nameMapping } from "../../../core/iceberg/format/name_mapping.ts";

Deno.test("names of files without ids lead to columns, by aliases and at any depth", () => {
  // The specification's own example (Appendix C, "Name Mapping Serialization"), and a field that
  // the table does not have.
  const text = `[ { "field-id": 1, "names": ["id", "record_id"] },
    { "field-id": 2, "names": ["a.b"] },
    { "names": ["only in files"] },
    { "field-id": 3, "names": ["location"], "fields": [
      { "field-id": 4, "names": ["latitude", "lat"] },
      { "field-id": 5, "names": ["longitude", "long"] } ] } ]`;
  const mapping = nameMapping({ "schema.name-mapping.default": text })!;
  const paths = [["id"], ["record_id"], ["a.b"], ["only in files"], ["location"], ["location", "lat"], ["lat"], [
    "a",
    "b",
  ]];
  assertEquals(paths.map((path) => mappedFieldId(mapping, path)), [1, 1, 2, undefined, 3, 4, undefined, undefined]);
  assertEquals(nameMapping({}), undefined);
});
