import type { Random } from "../../../core/base/random.ts";
import { Consumer } from "../../../core/consume/consumer.ts";
import type { Contract } from "../../../core/contract/contract.ts";
import { defaultContract } from "../../../core/contract/default_contract.ts";
import { requireTable } from "../../../core/iceberg/catalog/catalog.ts";
import type { ChosenRows, PlannedFile, ReplacedFile } from "../../../core/lake/batch_plan.ts";
import { DEFAULT_TARGET, identifiersOf } from "../../../core/lake/table_names.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import type { SimulatedStore } from "../../support/simulated_store.ts";
import type { DataRow, DataRows } from "./data_rows.ts";
import { withCoupon } from "./grown_contract.ts";
import type { Life } from "./life.ts";
import { allRows } from "./light_letters.ts";

export interface Reingest {
  contract: Contract;
  /** Which of the ingested files. */
  takes(name: string): boolean;
}

/** After `coupon` was added to the contract; of all files. */
export const BY_COUPON: Reingest = { contract: withCoupon(), takes: () => true };
/** By the contract without it. */
export const BY_DEFAULT: Reingest = { contract: defaultContract(), takes: () => true };

/** `maintain --reingest`, unless somebody else is first. */
export async function reingestLight(
  life: Life,
  process: SimulatedStore,
  rows: DataRows,
  { contract, takes }: Reingest,
): Promise<void> {
  const consumer = await Consumer.start(life.options(process, { contract }));
  const around = life.surroundings(process, true);
  await consumer.takeAgain((last) => chooseFiles(around, rows, takes, last), new AbortController().signal);
}

/** Of all files, or of one. */
export async function reingestAny(life: Life, process: SimulatedStore, rows: DataRows, random: Random): Promise<void> {
  const by = random.next() < 0.3 ? BY_DEFAULT : BY_COUPON, one = `f${Math.floor(6 * random.next())}.json`;
  const takes = random.next() < 0.5 ? by.takes : (name: string) => name.endsWith(one);
  await reingestLight(life, process, rows, { ...by, takes });
}

/** Of those that are there, as they are now, all versions that were ingested up to a batch. */
async function chooseFiles(
  { catalog, store }: Surroundings,
  rows: DataRows,
  takes: Reingest["takes"],
  last: bigint,
): Promise<ChosenRows | undefined> {
  const ledger = await requireTable(catalog, identifiersOf(DEFAULT_TARGET).ledger);
  const lines = (await allRows(ledger, rows)).map(({ row }) => row);
  const known = lines.filter(({ batch_id, source_file }) =>
    Number(batch_id) <= Number(last) && takes(source_file as string)
  );
  const files: PlannedFile[] = [], reingest: ReplacedFile[] = [];
  for (const [name, ofFile] of Map.groupBy(known, ({ source_file }) => source_file as string)) {
    const versions = [...Map.groupBy(ofFile, ({ etag }) => etag as string)]
      .filter(([, ofVersion]) => ofVersion.some(({ status }) => status === "ingested"));
    const info = versions.length === 0 ? undefined : await store.stat(name);
    if (info === undefined) continue;
    files.push({ name, path: name, etag: info.etag, size: info.size });
    for (const [etag, ofVersion] of versions) reingest.push(replacedFile(name, etag, ofVersion));
  }
  return files.length === 0 ? undefined : { format: 4, files, reingest };
}

function replacedFile(name: string, etag: string, lines: readonly DataRow[]): ReplacedFile {
  const sum = (column: string) => lines.reduce((total, row) => total + Number(row[column]), 0);
  return { name, etag, size: 1, records: sum("records"), events: sum("events"), deadLetters: sum("dead_letters") };
}
