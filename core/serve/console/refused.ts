import { StreamlabError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { HttpRefusal } from "../http_refusal.ts";

/** Statuses by kind; another kind is a failure of ours. */
const KNOWN: Partial<Record<StreamlabError["kind"], readonly [number, string]>> = {
  usage: [400, "BadRequestException"],
  "not-found": [404, "NotFoundException"],
  // Another commit came first, again and again.
  conflict: [409, "ConflictException"],
  // The client has gone, or the server ends.
  interrupted: [503, "ServiceUnavailableException"],
};

/** What a client is told. */
export interface Refused {
  status: number;
  error: { [key: string]: Json };
}

/** Undefined for what is no refusal. `shown`: texts without secrets. */
export function refusedBy(error: unknown, shown: (text: string) => string): Refused | undefined {
  if (error instanceof HttpRefusal) {
    const { message, type, status } = error;
    return { status, error: { message, type, code: status } };
  }
  if (!(error instanceof StreamlabError)) return undefined;
  const [code, type] = KNOWN[error.kind] ?? [];
  if (code === undefined || type === undefined) return undefined;
  const hint = error.hint === undefined ? null : shown(error.hint);
  return { status: code, error: { message: shown(error.message), hint, type, code } };
}
