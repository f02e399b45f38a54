import type { BatchRules } from "../../lake/batch_rules.ts";
import { zoneOptions } from "../../lake/raw_zone.ts";
import type { RulesOfBatches } from "../../lake/rules_of_batches.ts";

/** What whoever audits asks for instead of what batches were judged by. */
export interface AskedRules extends Partial<Pick<BatchRules["options"], "onExtraFields" | "onWrongType">> {
  /** The contract of a batch with what was asked for in place of it, as canonical text. */
  contractOf?: ((contract: string) => Promise<string>) | undefined;
}

/** By what the files of a batch are judged again. */
export interface AuditedBy {
  rules: BatchRules;
  /** Else they are for the tables of today. */
  areOfBatches: boolean;
  /** The batch's own rules are not remembered, and nobody has named others. */
  areGuessed: boolean;
}

/** The same object for the same rules, also where it is asked for many times at once. */
export class AuditRules {
  readonly #known: RulesOfBatches;
  readonly #today: BatchRules;
  readonly #asked: AskedRules;
  readonly #own = new Map<BatchRules, Promise<AuditedBy>>();
  readonly #guessed = new Map<BatchRules, Promise<AuditedBy>>();
  /** Of rules, by how else files are read that they judge. */
  readonly #readOtherwise = new Map<AuditedBy, Map<string, AuditedBy>>();

  constructor(known: RulesOfBatches, today: BatchRules, asked: AskedRules) {
    this.#known = known;
    this.#today = today;
    this.#asked = asked;
  }

  /**
   * Batches of a streamlab that did not write its rules down are judged by the next ones that are
   * known: lakes seldom change theirs. `judgedAs`: the batch itself, or a replay that has judged
   * dead letters of it again.
   */
  async of(batchId: bigint, judgedAs: bigint): Promise<AuditedBy> {
    const own = await this.#ofBatch(batchId);
    return judgedAs === batchId ? own : this.#readAs(own, await this.#ofBatch(judgedAs));
  }

  /** As the one batch has read its files, and the other has judged what is in them. */
  #readAs({ rules: own }: AuditedBy, judged: AuditedBy): AuditedBy {
    const reading = zoneOptions(own.options);
    const kept = this.#readOtherwise.get(judged) ?? new Map<string, AuditedBy>();
    this.#readOtherwise.set(judged, kept);
    const key = JSON.stringify(reading);
    const { rules } = judged;
    const audited = kept.get(key) ?? { ...judged, rules: { ...rules, options: { ...rules.options, ...reading } } };
    kept.set(key, audited);
    return audited;
  }

  async #ofBatch(batchId: bigint): Promise<AuditedBy> {
    const own = await this.#known.of(batchId);
    const rules = own ?? await this.#known.after(batchId) ?? this.#today;
    const kept = own === undefined ? this.#guessed : this.#own;
    const audited = kept.get(rules) ?? this.#audited(rules, own === undefined);
    kept.set(rules, audited);
    return await audited;
  }

  async #audited(rules: BatchRules, areGuessed: boolean): Promise<AuditedBy> {
    const { contractOf, onExtraFields, onWrongType } = this.#asked;
    const isAsked = contractOf !== undefined || onExtraFields !== undefined || onWrongType !== undefined;
    return {
      rules: {
        ...rules,
        contract: await contractOf?.(rules.contract) ?? rules.contract,
        options: {
          ...rules.options,
          onExtraFields: onExtraFields ?? rules.options.onExtraFields,
          onWrongType: onWrongType ?? rules.options.onWrongType,
        },
      },
      areOfBatches: rules !== this.#today && contractOf === undefined,
      areGuessed: areGuessed && !isAsked,
    };
  }
}
