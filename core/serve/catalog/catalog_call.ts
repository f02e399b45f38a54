import type { Clock } from "../../base/clock.ts";
import { type Random, uuidV4 } from "../../base/random.ts";
import type { TableIdentifier } from "../../iceberg/catalog/catalog.ts";
import type { FileCatalog } from "../../iceberg/catalog/file_catalog.ts";
import type { FileNamespaces } from "../../iceberg/catalog/file_namespaces.ts";
import type { ObjectAccess } from "../../storage/store.ts";
import type { Incoming } from "../incoming.ts";
import { badRequest } from "../http_refusal.ts";
import { checkedName, decodedSegment, namespaceFromText } from "./names.ts";

/** What the REST catalog is made of. It has no state of its own: several may serve one lake. */
export interface CatalogParts {
  catalog: FileCatalog;
  namespaces: FileNamespaces;
  /** Keys for the bucket, where clients that ask for them get them. */
  access?: (() => Promise<ObjectAccess>) | undefined;
  clock: Clock;
  random: Random;
}

/** One call of an endpoint. */
export class CatalogCall {
  readonly parts: CatalogParts;
  readonly incoming: Incoming;
  /** Of the client's `Idempotency-Key`: a commit that carries it already is not made again. */
  readonly idempotencyKey: string | undefined;
  /** Of what this call changes. */
  readonly commitId: string;
  readonly #segments: ReadonlyMap<string, string>;

  /** `segments` are those of the address by the names that the endpoint gives them. */
  constructor(parts: CatalogParts, incoming: Incoming, segments: ReadonlyMap<string, string>) {
    this.parts = parts;
    this.incoming = incoming;
    this.#segments = segments;
    this.idempotencyKey = idempotencyKeyOf(incoming.headers);
    this.commitId = this.idempotencyKey ?? uuidV4(parts.random);
  }

  get namespace(): string[] {
    return namespaceFromText(this.#segment("namespace"));
  }

  get identifier(): TableIdentifier {
    return { namespace: this.namespace, name: checkedName(this.#segment("table")) };
  }

  get view(): string {
    return checkedName(this.#segment("view"));
  }

  #segment(name: string): string {
    return decodedSegment(this.#segments.get(name) ?? "");
  }
}

function idempotencyKeyOf(headers: Headers): string | undefined {
  const key = headers.get("idempotency-key");
  if (key === null) return undefined;
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(key)) return key.toLowerCase();
  throw badRequest("Cannot use the Idempotency-Key: it is no UUID");
}
