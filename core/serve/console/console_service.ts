import { errorAnswer, jsonAnswer } from "../answer.ts";
import { HttpRefusal } from "../http_refusal.ts";
import type { Incoming } from "../incoming.ts";
import { listBatches } from "./batches.ts";
import { countBatchesOverTime } from "./batches_over_time.ts";
import { ConsoleCall, type ConsoleParts } from "./console_call.ts";
import { compareContract, showContract } from "./contracts.ts";
import { listFiles } from "./ledger_files.ts";
import { exportLetters } from "./letter_export.ts";
import { replayLetters } from "./letter_replay.ts";
import { countLetters, listLetters, showLetter } from "./letters.ts";
import { countLettersOverTime } from "./letters_over_time.ts";
import { streamLive } from "./live.ts";
import { showOverview } from "./overview.ts";
import { answerQuestion } from "./questions.ts";
import { refusedBy } from "./refused.ts";
import { listTables, showTable } from "./tables.ts";
import { listUpkeep, runUpkeep } from "./upkeep_calls.ts";

type Run = (call: ConsoleCall) => Promise<Response>;

/** Whatever the console shows comes from these; docs/serve.md describes them. */
const ENDPOINTS: Readonly<Record<string, readonly [method: "GET" | "POST", run: Run]>> = {
  "/overview": ["GET", showOverview],
  "/batches": ["GET", listBatches],
  "/batches/over-time": ["GET", countBatchesOverTime],
  "/letters/reasons": ["GET", countLetters],
  "/letters/over-time": ["GET", countLettersOverTime],
  "/letters/replay": ["POST", replayLetters],
  "/letters": ["GET", listLetters],
  "/letter": ["GET", showLetter],
  "/tables": ["GET", listTables],
  "/table": ["GET", showTable],
  "/letters/export": ["GET", exportLetters],
  "/files": ["GET", listFiles],
  "/contract": ["GET", showContract],
  "/contract/compare": ["POST", compareContract],
  "/live": ["GET", streamLive],
  "/sql": ["POST", answerQuestion],
  "/upkeep": ["POST", runUpkeep],
  "/upkeep/history": ["GET", listUpkeep],
};

/** The console's data, as JSON. */
export class ConsoleService {
  readonly #parts: ConsoleParts;

  constructor(parts: ConsoleParts) {
    this.#parts = parts;
  }

  /** Ends what goes on by itself, when the server is to end. */
  close(): void {
    this.#parts.live.close();
  }

  /** `path` is what follows the address of the endpoints. Throws what it does not refuse. */
  async handle(incoming: Incoming, path: string): Promise<Response> {
    try {
      if (!Object.hasOwn(ENDPOINTS, path)) {
        throw new HttpRefusal(404, "NotFoundException", "The console has no such endpoint");
      }
      const [method, run] = ENDPOINTS[path]!;
      if (incoming.method !== method && !(method === "GET" && incoming.method === "HEAD")) {
        throw new HttpRefusal(405, "MethodNotAllowedException", `This endpoint takes ${method}`, { allow: method });
      }
      return await run(new ConsoleCall(this.#parts, incoming));
    } catch (error) {
      return refusalAnswer(error, this.#parts.shown);
    }
  }
}

function refusalAnswer(error: unknown, shown: (text: string) => string): Response {
  if (error instanceof HttpRefusal) return errorAnswer(error);
  const refused = refusedBy(error, shown);
  if (refused === undefined) throw error;
  return jsonAnswer(refused.status, { error: refused.error });
}
