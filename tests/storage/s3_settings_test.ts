import { deepStrictEqual, doesNotMatch, match, strictEqual, throws } from "node:assert/strict";
import { StreamlabError } from "../../core/base/errors.ts";
import { catalogSettings, readS3Settings, type S3Settings } from "../../core/storage/s3_settings.ts";

function settingsOf(variables: Record<string, string>, hasProfiles = false): S3Settings {
  return readS3Settings((name) => variables[name], hasProfiles);
}

const compose = { accessKeyId: "minioadmin", secretAccessKey: "minioadmin" };

Deno.test("with nothing set it is the MinIO of compose.yaml", () => {
  deepStrictEqual(settingsOf({}), {
    endpoint: "http://127.0.0.1:9000",
    region: "us-east-1",
    forcePathStyle: true,
    credentials: compose,
    isDefault: true,
  });
  deepStrictEqual(settingsOf({ AWS_ENDPOINT_URL: "", AWS_REGION: "" }), settingsOf({}));
  deepStrictEqual(settingsOf({}, true), settingsOf({}), "whatever is in ~/.aws for other work");
});

Deno.test("whoever has credentials or a region for AWS gets AWS, found as all of its tools find it", () => {
  for (
    const name of [
      "AWS_ACCESS_KEY_ID",
      "AWS_PROFILE",
      "AWS_WEB_IDENTITY_TOKEN_FILE",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
  ) {
    deepStrictEqual(settingsOf({ [name]: "x" }), { forcePathStyle: false, isDefault: false });
  }
  deepStrictEqual(settingsOf({ AWS_PROFILE: "x" }, true), { forcePathStyle: false, isDefault: false });
  deepStrictEqual(settingsOf({ AWS_DEFAULT_REGION: "eu-west-1" }), {
    forcePathStyle: false,
    isDefault: false,
    region: "eu-west-1",
  });
});

Deno.test("an endpoint of its own has the bucket in the path, unless the user says otherwise", () => {
  const variables = { AWS_ENDPOINT_URL: "https://s3.example", AWS_ACCESS_KEY_ID: "x", AWS_REGION: "here" };
  deepStrictEqual(settingsOf(variables), {
    endpoint: "https://s3.example",
    region: "here",
    forcePathStyle: true,
    isDefault: false,
  });
  strictEqual(settingsOf({ ...variables, AWS_S3_FORCE_PATH_STYLE: "false" }).forcePathStyle, false);
  strictEqual(settingsOf({ AWS_PROFILE: "x", AWS_S3_FORCE_PATH_STYLE: "true" }).forcePathStyle, true);
  strictEqual(settingsOf({ ...variables, AWS_ENDPOINT_URL_S3: "http://first" }).endpoint, "http://first");
});

Deno.test("an endpoint on this machine without credentials gets the key of compose.yaml, any other does not", () => {
  deepStrictEqual(settingsOf({ AWS_ENDPOINT_URL: "http://localhost:9123" }).credentials, compose);
  deepStrictEqual(settingsOf({ AWS_ENDPOINT_URL: "http://[::1]:9123" }).credentials, compose);
  strictEqual(settingsOf({ AWS_ENDPOINT_URL: "http://localhost:9123", AWS_PROFILE: "x" }).credentials, undefined);
  strictEqual(settingsOf({ AWS_ENDPOINT_URL: "http://localhost:9123" }, true).credentials, undefined);
  strictEqual(settingsOf({ AWS_ENDPOINT_URL: "https://s3.example" }).credentials, undefined);
});

Deno.test("an endpoint that is none is refused without repeating the password in it", () => {
  for (const endpoint of ["127.0.0.1:9000", "ftp://x", "http://user:hunter2@host"]) {
    throws(() => settingsOf({ AWS_ENDPOINT_URL: endpoint }), (error) => {
      if (!(error instanceof StreamlabError) || error.kind !== "usage") return false;
      match(error.message, /AWS_ENDPOINT_URL/);
      doesNotMatch(error.message, /hunter2/);
      return true;
    });
  }
});

Deno.test("what a catalog says of a place wins over the variables, and nothing of the default MinIO goes to another service", () => {
  const key = { "s3.access-key-id": "id", "s3.secret-access-key": "secret", "s3.session-token": "token" };
  const credentials = { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token" };
  const own = settingsOf({ AWS_ENDPOINT_URL: "http://127.0.0.1:9000", AWS_ACCESS_KEY_ID: "x", AWS_REGION: "eu" });
  deepStrictEqual(catalogSettings(own, {}), own);
  deepStrictEqual(catalogSettings(own, key), { ...own, credentials });
  deepStrictEqual(catalogSettings(settingsOf({}), { ...key, "client.region": "eu-west-1" }), {
    forcePathStyle: false,
    region: "eu-west-1",
    isDefault: false,
    credentials,
  });
  const told = { "s3.endpoint": "https://s3.example", "s3.path-style-access": "false", "s3.region": "mars" };
  deepStrictEqual(catalogSettings(settingsOf({}), told), {
    endpoint: "https://s3.example",
    forcePathStyle: false,
    region: "mars",
    isDefault: false,
  });
  const near = catalogSettings(settingsOf({}), { "s3.endpoint": "http://127.0.0.1:9001" });
  deepStrictEqual([near.credentials, near.forcePathStyle], [compose, true]);
  throws(() => catalogSettings(own, { "s3.endpoint": "http://me:password@host" }), (error) => {
    doesNotMatch((error as Error).message, /password@/);
    return error instanceof StreamlabError && error.kind === "usage";
  });
});
