import { deepStrictEqual as assertEquals } from "node:assert/strict";
import type { Field } from "../../core/iceberg/spec/type.ts";
import { IcebergWorld } from "../support/iceberg_world.ts";
import { Spark, sparkTest } from "../support/spark.ts";
import { allTypes, rowsOfAllTypes } from "./all_types.ts";

/** Spark has no type for a time of day. */
const sparkTypes: Field[] = allTypes.filter((field) => field.name !== "t");
const sparkRows = `SELECT * EXCLUDE (t) FROM (${rowsOfAllTypes})`;

sparkTest("Spark reads every type as we wrote it", () =>
  IcebergWorld.use(async (world) => {
    await world.append(await world.create("lab.all_types", sparkTypes), sparkRows);
    await Spark.use(`${world.folder}/warehouse`, async (spark) => {
      assertEquals(await spark.sql("SELECT * FROM lake.lab.all_types"), await world.jsonRows(sparkRows));
    });
  }));
