import { deepStrictEqual } from "node:assert/strict";
import { type Json, parseJson } from "../../core/base/json.ts";
import { createdObjects } from "../../core/notifications/object_event.ts";
import { s3Message, s3Record } from "../support/s3_messages.ts";

const message = (...keys: string[]): Json => parseJson(s3Message("bucket", ...keys));
const records = (...all: Record<string, unknown>[]): Json => ({ Records: all as Json[] });

Deno.test("a message names the objects that were created, their keys decoded", () => {
  deepStrictEqual(createdObjects(message("raw/a.json", "red flower+1/ä%.json")), [
    "s3://bucket/raw/a.json",
    "s3://bucket/red flower+1/ä%.json",
  ]);
});

Deno.test("a message that came by way of SNS is taken out of its envelope", () => {
  deepStrictEqual(createdObjects({ Type: "Notification", Message: s3Message("bucket", "a.json") }), [
    "s3://bucket/a.json",
  ]);
  deepStrictEqual(createdObjects({ Type: "Notification", Message: "Hello" }), undefined);
});

Deno.test("AWS and MinIO begin the names of events in two ways, and only creations count", () => {
  const names = [
    "ObjectCreated:Put",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:Delete",
    "ObjectX:Put",
  ];
  deepStrictEqual(createdObjects(records(...names.map((name, index) => s3Record(name, "b", `${index}`)))), [
    "s3://b/0",
    "s3://b/1",
  ]);
});

Deno.test("a record that names nothing is passed over, and S3's own test of a queue says nothing", () => {
  const { s3: _s3, ...bare } = s3Record("ObjectCreated:Put", "b", "k");
  const odd = [{ ...bare, s3: {} }, { ...bare, s3: { bucket: { name: 7 }, object: { key: "k" } } }];
  deepStrictEqual(createdObjects(records(...odd, s3Record("ObjectCreated:Put", "b", "x".repeat(1_025)))), []);
  const broken = { ...bare, s3: { bucket: { name: "b" }, object: { key: "%zz" } } };
  deepStrictEqual(createdObjects(records(broken)), []);
  deepStrictEqual(createdObjects({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "b" }), []);
  deepStrictEqual(createdObjects({ Records: [] }), []);
});

Deno.test("a key that is too long to be one is passed over: S3 counts bytes of UTF-8", () => {
  const named = (key: string) => createdObjects(records(s3Record("ObjectCreated:Put", "b", key)));
  deepStrictEqual(named("ö".repeat(512)), [`s3://b/${"ö".repeat(512)}`]);
  deepStrictEqual(named(`${"ö".repeat(512)}x`), []);
});

Deno.test("what is no message of S3's is told from one", () => {
  const { s3: _s3, ...bare } = s3Record("ObjectCreated:Put", "b", "k");
  for (
    const other of [
      undefined,
      null,
      1,
      [],
      {},
      { Records: {} },
      { Records: [1] },
      records(bare),
    ] as (Json | undefined)[]
  ) {
    deepStrictEqual(createdObjects(other), undefined, JSON.stringify(other));
  }
});
