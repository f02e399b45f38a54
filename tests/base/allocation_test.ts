import { deepStrictEqual } from "node:assert/strict";
import { isAllocationFailure } from "../../core/base/allocation.ts";

Deno.test("memory that is lacking is told from lengths and places that cannot be", () => {
  const made = [
    () => new Uint8Array(2 ** 50),
    () => new ArrayBuffer(2 ** 50),
    () => new Uint8Array(-1),
    () => new DataView(new ArrayBuffer(4)).getInt32(2),
    () => new Array(-1),
  ];
  const found = made.map((make) => {
    try {
      return String(make());
    } catch (error) {
      return isAllocationFailure(error);
    }
  });
  deepStrictEqual(found, [true, true, false, false, false]);
});
