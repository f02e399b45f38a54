import { DecompressError, decompressFile } from "../../disk/decompress.ts";
import { headOf, otherPacking } from "../file_kind.ts";
import type { ReadUnit } from "./reading.ts";

/** The unit unpacked to a file in `folder`; a broken one where it is not what it is packed by. */
export async function unpackUnit(unit: ReadUnit, folder: string): Promise<ReadUnit> {
  const { packed, ...bare } = unit;
  if (packed === undefined) return unit;
  const path = `${folder}/unpacked-${unit.number}`;
  const { offset, size } = unit;
  try {
    const unpackedSize = await decompressFile(unit.path, path, packed, { offset, size, isText: true });
    return { ...bare, path, offset: 0, size: unpackedSize, isFound: true };
  } catch (error) {
    if (!(error instanceof DecompressError)) throw error;
    const found = unit.isFound ? undefined : otherPacking(headOf(unit), packed);
    return { ...bare, how: "broken", detail: error.message, found };
  }
}
