import { strictEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { Md5 } from "../../core/base/md5.ts";

Deno.test("MD5 of messages of every length up to some blocks is the platform's, one after another", () => {
  const md5 = new Md5();
  const message = Uint8Array.from({ length: 200 }, (_, at) => at * 7);
  for (let length = 0; length <= message.length; length++) {
    md5.of(message, length);
    const expected = createHash("md5").update(message.subarray(0, length)).digest("hex");
    strictEqual(new Uint8Array(md5.digest.buffer).toHex(), expected);
  }
});
