import type { Action } from "./action.ts";
import { audit } from "./actions/audit.ts";
import { compact } from "./actions/compact.ts";
import { dedupeBy } from "./actions/dedupe_by.ts";
import { deadLetters } from "./actions/dead_letters.ts";
import { expireSnapshots } from "./actions/expire_snapshots.ts";
import { reingest } from "./actions/reingest.ts";
import { replayDeadLetters } from "./actions/replay_dead_letters.ts";
import { removeOrphans } from "./actions/remove_orphans.ts";
import { rewriteManifests } from "./actions/rewrite_manifests.ts";
import { setPlanAside } from "./actions/set_aside_plan.ts";
import { status } from "./actions/status.ts";

/** In the order in which they are done and shown. */
export const ACTIONS: readonly Action[] = [
  compact,
  rewriteManifests,
  expireSnapshots,
  removeOrphans,
  dedupeBy,
  setPlanAside,
  status,
  deadLetters,
  replayDeadLetters,
  reingest,
  audit,
];
