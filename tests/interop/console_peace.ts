import { deepStrictEqual } from "node:assert/strict";
import type { Browser } from "../support/browser.ts";
import type { ServedLake } from "../support/lake_server.ts";

/** Asked for what is not there, the server says so, and the browser writes that down. */
const NOT_THERE = /^Failed to load resource: .* 404 \(Not Found\) \S+\/api\/[\w/-]+\?\w+=%3Cscript%3E/;

/** Only the server was asked, and neither a script nor the policy complained. */
export function checkPeace(browser: Browser, lake: ServedLake): void {
  deepStrictEqual(browser.complaints.filter((text) => !NOT_THERE.test(text)), []);
  const foreign = browser.requests.filter((url) => !url.startsWith(`${lake.address}/`) && url !== "about:blank");
  deepStrictEqual(foreign, []);
}
