import { createHash, createHmac } from "node:crypto";
import type { S3Credentials } from "../../core/storage/s3/settings.ts";
import type { S3Server } from "./s3_server.ts";

/**
 * Credentials that expire, with a session token, as MinIO's AssumeRole gives them (AWS STS API
 * Reference; Signature Version 4).
 */
export async function assumeRole({ endpoint, settings }: S3Server): Promise<Required<S3Credentials>> {
  const { accessKeyId, secretAccessKey } = settings.credentials!;
  const body = "Action=AssumeRole&Version=2011-06-15&DurationSeconds=900";
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const scope = `${stamp.slice(0, 8)}/us-east-1/sts/aws4_request`;
  const headers = { host: new URL(endpoint).host, "x-amz-date": stamp };
  const signed = Object.keys(headers).join(";");
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`).join("");
  const request = ["POST", "/", "", lines, signed, sha256(body)].join("\n");
  const key = scope.split("/").reduce<string | Uint8Array>((key, part) => hmac(key, part), `AWS4${secretAccessKey}`);
  const signature = hmac(key, ["AWS4-HMAC-SHA256", stamp, scope, sha256(request)].join("\n")).toHex();
  const answer = await fetch(endpoint, {
    method: "POST",
    body,
    headers: {
      "x-amz-date": stamp,
      "content-type": "application/x-www-form-urlencoded",
      authorization:
        `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    },
  });
  const xml = await answer.text();
  const field = (name: string) => {
    const value = new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1];
    if (value === undefined) throw new Error(`MinIO gave no ${name}: ${xml}`);
    return value;
  };
  return {
    accessKeyId: field("AccessKeyId"),
    secretAccessKey: field("SecretAccessKey"),
    sessionToken: field("SessionToken"),
  };
}

function hmac(key: string | Uint8Array, text: string): Uint8Array {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
