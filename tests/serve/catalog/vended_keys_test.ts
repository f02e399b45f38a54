import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { StreamlabError } from "../../../core/base/errors.ts";
import type { ObjectAccess } from "../../../core/storage/store.ts";
import { ServedLake } from "../../support/lake_server.ts";
import { someTable } from "./requests.ts";

const asking = { "x-iceberg-access-delegation": "vended-credentials" };
const tables = "namespaces/shop/tables";
const keys: ObjectAccess = {
  region: "us-east-1",
  forcePathStyle: false,
  accessKeyId: "id",
  secretAccessKey: "a-secret",
  sessionToken: "session",
  expiresAtMs: 1_772_366_400_000,
};

/** What gives keys out, unless `isOut`. */
class KeyGiver {
  isOut = false;

  access = (): Promise<ObjectAccess> =>
    this.isOut
      ? Promise.reject(new StreamlabError("unavailable", "Cannot get keys: no answer"))
      : Promise.resolve(keys);
}

function withGiver(run: (lake: ServedLake, giver: KeyGiver) => Promise<void>): Promise<void> {
  const giver = new KeyGiver();
  return ServedLake.use(async (lake) => {
    strictEqual((await lake.ask("POST", "namespaces", { namespace: ["shop"] })).status, 200);
    await run(lake, giver);
  }, { access: giver.access });
}

Deno.test("keys that expire are given out with the time when they do", () =>
  withGiver(async (lake) => {
    strictEqual((await lake.ask("POST", tables, someTable)).status, 200);
    const { config } = (await lake.ask("GET", `${tables}/orders`, undefined, asking)).json;
    const { "s3.session-token": token, "s3.session-token-expires-at-ms": expiry } = config as Record<string, string>;
    deepStrictEqual([token, expiry], ["session", "1772366400000"]);
  }));

Deno.test("a table is neither made nor registered while the keys that its maker asks for cannot be had", () =>
  withGiver(async (lake, giver) => {
    giver.isOut = true;
    const refused = await lake.ask("POST", tables, someTable, asking);
    strictEqual(refused.status, 503, refused.text);
    strictEqual((await lake.ask("HEAD", `${tables}/orders`)).status, 404);
    giver.isOut = false;
    const made = await lake.ask("POST", tables, someTable, asking);
    strictEqual(made.status, 200, made.text);
    giver.isOut = true;
    const file = String(made.json["metadata-location"]).replace("file://", "");
    const text = await Deno.readTextFile(file);
    strictEqual((await lake.ask("DELETE", `${tables}/orders`)).status, 204);
    const name =
      `${lake.folder}/warehouse/shop/orders/metadata/00000-9c12d441-03fe-4693-9a96-a0705ddf69c1.metadata.json`;
    await Deno.writeTextFile(name, text);
    const request = { name: "orders", "metadata-location": `file://${name}` };
    strictEqual((await lake.ask("POST", "namespaces/shop/register", request, asking)).status, 503);
    await rejects(Deno.stat(file), Deno.errors.NotFound);
    giver.isOut = false;
    const registered = await lake.ask("POST", "namespaces/shop/register", request, asking);
    deepStrictEqual([registered.status, registered.json["metadata-location"]], [200, `file://${file}`]);
    match(lake.failures.join(), /Cannot get keys/);
  }));
