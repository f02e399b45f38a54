import { createHash, createHmac } from "node:crypto";
import type { S3Credentials } from "./settings.ts";

export interface RequestToSign {
  method: "GET" | "POST";
  /** As a scope names it: `s3`, `sqs`. */
  service: string;
  /** With the port, where it is not the scheme's own. */
  host: string;
  /** Encoded as it is sent. */
  path: string;
  headers: Record<string, string>;
  /** SHA-256 of what the request carries, hexadecimal. */
  bodyDigest: string;
  nowMs: number;
  region: string;
}

/** Of no bytes, which is what a GET request carries. */
export const EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/**
 * Signs requests without a query (Amazon S3 API Reference, "Signature Calculations for the
 * Authorization Header: Transferring Payload in a Single Chunk"; other services take the same). The
 * key of a day is derived once.
 */
export class RequestSigner {
  #key: { scope: string; secret: string; bytes: Uint8Array } | undefined;

  /** All headers to send, except the host. */
  sign(request: RequestToSign, credentials: S3Credentials): Record<string, string> {
    const { method, service, host, path, headers, bodyDigest, nowMs, region } = request;
    const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
    const scope = `${stamp.slice(0, 8)}/${region}/${service}/aws4_request`;
    const { accessKeyId, secretAccessKey, sessionToken } = credentials;
    const sent: Record<string, string> = {
      ...headers,
      "x-amz-content-sha256": bodyDigest,
      "x-amz-date": stamp,
      ...(sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken }),
    };
    const signed: Record<string, string> = { ...sent, host };
    const names = Object.keys(signed).sort();
    const lines = names.map((name) => `${name}:${signed[name]!.trim()}\n`).join("");
    const canonical = `${method}\n${path}\n\n${lines}\n${names.join(";")}\n${bodyDigest}`;
    const digest = createHash("sha256").update(canonical).digest("hex");
    const key = this.#signingKey(scope, secretAccessKey);
    const signature = createHmac("sha256", key).update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${digest}`).digest("hex");
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${
      names.join(";")
    }, Signature=${signature}`;
    return { ...sent, authorization };
  }

  #signingKey(scope: string, secret: string): Uint8Array {
    if (this.#key?.scope === scope && this.#key.secret === secret) return this.#key.bytes;
    let bytes: string | Uint8Array = `AWS4${secret}`;
    for (const part of scope.split("/")) bytes = createHmac("sha256", bytes).update(part).digest();
    this.#key = { scope, secret, bytes: bytes as Uint8Array };
    return this.#key.bytes;
  }
}

/**
 * As the signature has it (AWS Signature Version 4, "URI-encode every byte except the unreserved
 * characters").
 */
export function uriEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
