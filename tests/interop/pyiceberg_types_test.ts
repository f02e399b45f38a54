import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { findPython } from "../support/python.ts";
import { connectRest, restCatalogTest, withRestCatalog } from "../support/rest_catalog_server.ts";

restCatalogTest(
  "tables that PyIceberg made, of every type and transform, read the same through us",
  () =>
    IcebergWorld.use((world) =>
      withRestCatalog(world.folder, async (uri) => {
        world.catalog = await connectRest(uri);
        const python = await findPython();
        const tables = await python.json<Record<string, string[]>>("pyiceberg_types.py", uri);
        for (const [name, rows] of Object.entries(tables)) {
          assertEquals(await world.ask(`SELECT * FROM types."${name}"`), rows, name);
        }
      })
    ),
);
