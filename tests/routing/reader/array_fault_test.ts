import { strictEqual } from "node:assert/strict";
import { JsonArrayScan } from "../../../core/json/array_scan.ts";
import { arrayFault } from "../../../core/routing/reader/array_fault.ts";
import { contractOf, TestReader } from "./test_reader.ts";

Deno.test("an array's fault has the byte and the line that a scan of the whole text finds", () => {
  const { instance, events } = new TestReader(contractOf({ properties: { id: { type: "string" } } }));
  const records = Array.from({ length: 40 }, (_, i) => `{"id":"${"x".repeat(i)}"}${i % 3 === 0 ? "\n" : ""}`);
  for (const feeds of ["", "\n", "\n\n", "\n".repeat(35)]) {
    const whole = `[${feeds}${records.join(`${feeds},`)}]`;
    for (const text of [whole.slice(0, -1), whole.slice(0, 700), `${whole}x`, whole.replace("xxxx", "xx\u0001")]) {
      const scan = new JsonArrayScan();
      scan.push(new TextEncoder().encode(text));
      const verdict = scan.end();
      const placed = instance.place(text);
      strictEqual(instance.calls.scanArray(events.handle, placed.at, placed.length, 0), 1);
      instance.calls.undoFile(events.handle);
      const fault = arrayFault(instance, placed, instance.calls.lastGoodPtr());
      strictEqual(fault, verdict.kind === "ok" ? undefined : verdict.detail);
    }
  }
});
