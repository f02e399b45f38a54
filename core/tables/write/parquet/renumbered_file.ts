import { putTogether, takeApart } from "./file_parts.ts";
import { listOfStructs, structsOf, type ThriftStruct } from "./thrift_struct.ts";

/** Fields of FileMetaData and SchemaElement (parquet.thrift). */
const FILE = { schema: 2 } as const;
const ELEMENT = { fieldId: 9 } as const;

/**
 * A Parquet file with other field ids; those that are not in `ids` stay. Only the footer has them,
 * so all else is copied as it is. Throws `RangeError` for a footer that is not understood.
 */
export function renumberedFile(file: Uint8Array, ids: ReadonlyMap<number, number>): Uint8Array {
  const { body, footer } = takeApart(file);
  const elements = structsOf(footer, FILE.schema).map((element): ThriftStruct =>
    element.map((field) => {
      const id = field.id === ELEMENT.fieldId ? ids.get(field.value as number) : undefined;
      return id === undefined ? field : { ...field, value: id };
    })
  );
  const renumbered = footer.map((field) => {
    return field.id === FILE.schema ? { ...field, value: listOfStructs(elements) } : field;
  });
  return putTogether([body], renumbered);
}
