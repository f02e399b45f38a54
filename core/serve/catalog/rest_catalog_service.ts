import { StreamlabError } from "../../base/errors.ts";
import { errorAnswer, jsonAnswer } from "../answer.ts";
import type { Incoming } from "../incoming.ts";
import { HttpRefusal } from "../http_refusal.ts";
import { CatalogCall, type CatalogParts } from "./catalog_call.ts";
import { commitToTable, commitTransaction } from "./commits.ts";
import {
  checkNamespace,
  createNamespace,
  dropNamespace,
  listNamespaces,
  loadNamespace,
  updateNamespace,
} from "./namespaces.ts";
import {
  checkTable,
  createTable,
  dropTable,
  listTables,
  loadTable,
  refuseRename,
  registerTable,
  takeMetrics,
} from "./tables.ts";
import { listViews, loadView, refuseViews } from "./views.ts";

type Run = (call: CatalogCall) => Promise<Response>;

const NAMESPACE = "/v1/{prefix}/namespaces/{namespace}";
const TABLE = `${NAMESPACE}/tables/{table}`;
const VIEW = `${NAMESPACE}/views/{view}`;

/** What a client may rely on: `config` tells these very lines, and clients obey them. */
const OFFERED: Readonly<Record<string, Run>> = {
  "GET /v1/{prefix}/namespaces": listNamespaces,
  "POST /v1/{prefix}/namespaces": createNamespace,
  [`GET ${NAMESPACE}`]: loadNamespace,
  [`HEAD ${NAMESPACE}`]: checkNamespace,
  [`DELETE ${NAMESPACE}`]: dropNamespace,
  [`POST ${NAMESPACE}/properties`]: updateNamespace,
  [`GET ${NAMESPACE}/tables`]: listTables,
  [`POST ${NAMESPACE}/tables`]: createTable,
  [`GET ${TABLE}`]: loadTable,
  [`HEAD ${TABLE}`]: checkTable,
  [`POST ${TABLE}`]: commitToTable,
  [`DELETE ${TABLE}`]: dropTable,
  [`POST ${NAMESPACE}/register`]: registerTable,
  [`POST ${TABLE}/metrics`]: takeMetrics,
};

/** Answered all the same, most of them with a refusal that says why. */
const UNADVERTISED: Readonly<Record<string, Run>> = {
  "GET /v1/config": () => Promise.resolve(jsonAnswer(200, CONFIG)),
  "POST /v1/oauth/tokens": refuseTokens,
  "POST /v1/{prefix}/transactions/commit": commitTransaction,
  "POST /v1/{prefix}/tables/rename": refuseRename,
  "POST /v1/{prefix}/views/rename": refuseViews,
  [`GET ${NAMESPACE}/views`]: listViews,
  [`POST ${NAMESPACE}/views`]: refuseViews,
  [`POST ${NAMESPACE}/register-view`]: refuseViews,
  [`GET ${VIEW}`]: loadView,
  [`HEAD ${VIEW}`]: loadView,
  [`POST ${VIEW}`]: refuseViews,
  [`DELETE ${VIEW}`]: loadView,
};

const CONFIG = { defaults: {}, overrides: {}, endpoints: Object.keys(OFFERED) };

/** RFC 6749, section 5.2. */
function refuseTokens(): Promise<Response> {
  return Promise.resolve(jsonAnswer(400, {
    error: "unsupported_grant_type",
    error_description: "This catalog gives no tokens: use one of its token file as a bearer token",
  }));
}

interface Endpoint {
  method: string;
  /** Literal parts, and `{names}`. */
  parts: string[];
  run: Run;
}

const ENDPOINTS: readonly Endpoint[] = Object.entries({ ...OFFERED, ...UNADVERTISED }).map(([text, run]) => {
  const [method, path] = text.split(" ") as [string, string];
  return { method, parts: path.replace("/{prefix}", "").slice(1).split("/"), run };
});

/** An Iceberg REST catalog over a lake's files. */
export class RestCatalogService {
  readonly #parts: CatalogParts;

  constructor(parts: CatalogParts) {
    this.#parts = parts;
  }

  /** `path` is what follows the catalog's address: `/v1/…`. Throws what it does not refuse. */
  async handle(incoming: Incoming, path: string): Promise<Response> {
    try {
      const { run, segments } = endpointOf(incoming.method, path);
      return await run(new CatalogCall(this.#parts, incoming, segments));
    } catch (error) {
      return refusalAnswer(error);
    }
  }
}

function endpointOf(method: string, path: string): { run: Run; segments: ReadonlyMap<string, string> } {
  const sent = path.split("/").slice(1);
  const fitting = ENDPOINTS.filter(({ parts }) =>
    parts.length === sent.length && parts.every((part, i) => part.startsWith("{") || part === sent[i])
  );
  const endpoint = fitting.find((each) => each.method === method);
  if (endpoint === undefined) {
    if (fitting.length === 0) throw new HttpRefusal(404, "NotFoundException", "This catalog has no such endpoint");
    const allow = fitting.map((each) => each.method).join(", ");
    throw new HttpRefusal(405, "MethodNotAllowedException", `This endpoint takes ${allow}`, { allow });
  }
  const named = endpoint.parts.flatMap((part, i) =>
    part.startsWith("{") ? [[part.slice(1, -1), sent[i]!] as const] : []
  );
  return { run: endpoint.run, segments: new Map(named) };
}

function refusalAnswer(error: unknown): Response {
  if (error instanceof HttpRefusal) return errorAnswer(error);
  if (!(error instanceof StreamlabError)) throw error;
  const { message } = error;
  switch (error.kind) {
    case "usage":
      return errorAnswer({ status: 400, type: "BadRequestException", message });
    case "not-found":
      return errorAnswer({ status: 404, type: "NotFoundException", message });
    case "conflict":
      return errorAnswer({ status: 409, type: "CommitFailedException", message });
    default:
      throw error;
  }
}
