import type { TableIo } from "../../core/iceberg/table_io.ts";

/** Existing files get the number of the snapshot that merges them. */
export function losingNumbers(io: TableIo): TableIo {
  return new Proxy(io, {
    get(inner, key) {
      const value = Reflect.get(inner, key, inner);
      if (key !== "encodeManifest") return typeof value === "function" ? value.bind(inner) : value;
      const encode: TableIo["encodeManifest"] = (manifest) =>
        inner.encodeManifest({
          ...manifest,
          entries: manifest.entries.map((entry) =>
            entry.status === "existing" ? { ...entry, sequenceNumber: manifest.sequenceNumber } : entry
          ),
        });
      return encode;
    },
  });
}
