import { jsonAnswer } from "../answer.ts";
import { HttpRefusal } from "../http_refusal.ts";
import type { CatalogCall } from "./catalog_call.ts";
import { requireNamespace } from "./namespaces.ts";

/** Engines ask for views beside tables, and take an error for a broken catalog. */
export async function listViews(call: CatalogCall): Promise<Response> {
  await requireNamespace(call.parts, call.namespace);
  return jsonAnswer(200, { identifiers: [], "next-page-token": null });
}

export function loadView(call: CatalogCall): Promise<Response> {
  const name = [...call.namespace, call.view].join(".");
  return Promise.reject(new HttpRefusal(404, "NoSuchViewException", `View does not exist: ${name}`));
}

export function refuseViews(): Promise<Response> {
  return Promise.reject(
    new HttpRefusal(406, "UnsupportedOperationException", "Cannot keep views: this catalog keeps tables only"),
  );
}
