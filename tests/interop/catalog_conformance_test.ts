import { systemClock } from "../../core/base/clock.ts";
import { runCatalogConformance } from "../iceberg/catalog/conformance.ts";
import { canRunRestCatalog, connectRest, withRestCatalog } from "../support/rest_catalog_server.ts";

Deno.test({
  name: "REST catalog on the Iceberg project's own server",
  ignore: !canRunRestCatalog(),
  fn: (t) =>
    runCatalogConformance(t, async (action) => {
      const folder = await Deno.makeTempDir({ prefix: "streamlab-rest-" });
      try {
        await withRestCatalog(folder, async (uri) => {
          await action({ catalogs: [await connectRest(uri), await connectRest(uri)], clock: systemClock });
        });
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }),
});
