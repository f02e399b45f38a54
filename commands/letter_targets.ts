import { StreamlabError } from "../core/base/errors.ts";
import { type Catalog, identifierText, type TableIdentifier } from "../core/iceberg/catalog/catalog.ts";
import type { KnownTarget } from "../core/lake/targets.ts";

/** A target, and its table of dead letters, which may not be there yet. */
export interface LetterTarget {
  target: KnownTarget;
  letters: TableIdentifier;
}

/**
 * The targets that `--table` means, by the table of their events or that of their letters; all
 * without it. Fails with `not-found` where there is none.
 */
export async function letterTargets(
  catalog: Catalog,
  table: { namespace: string; name: string } | undefined,
): Promise<LetterTarget[]> {
  const [{ targetsOfCatalog }, { identifiersOf }] = await Promise.all([
    import("../core/lake/targets.ts"),
    import("../core/lake/table_names.ts"),
  ]);
  const asked = table === undefined ? undefined : `${table.namespace}.${table.name}`;
  const targets = (await targetsOfCatalog(catalog)).map((target) => {
    const { identifier, metadata } = target.table;
    return { target, letters: identifiersOf(identifier, metadata.properties).deadLetters };
  }).filter(({ target, letters }) => asked === undefined || asked === target.name || asked === identifierText(letters));
  if (targets.length > 0) return targets;
  throw new StreamlabError("not-found", `No dead letters of ${asked ?? "any table"}: consume has written none`, {
    hint: "--table takes a table that consume feeds, or its table of dead letters",
  });
}
