import { rejects } from "node:assert/strict";
import { untilThere } from "./until_there.ts";

Deno.test("what is waited for need not be waited for when nobody is there to make it", async () => {
  let isThere = false;
  await untilThere(() => isThere, Promise.resolve().then(() => isThere = true));
  await untilThere(() => true, Promise.reject(new Error("it has failed")));
  await rejects(untilThere(() => false, Promise.reject(new Error("it has failed"))), /who makes it has ended/);
});
