import { deepStrictEqual, doesNotMatch, match, strictEqual, throws } from "node:assert/strict";
import { isKind, StreamlabError } from "../../../core/base/errors.ts";
import { type AwsProfile, readAwsProfile } from "../../../core/storage/s3/aws_profile.ts";
import { catalogSettings, readS3Settings, type S3Settings } from "../../../core/storage/s3/settings.ts";

function settingsOf(variables: Record<string, string>, profile?: AwsProfile): S3Settings {
  return readS3Settings((name) => variables[name], profile);
}

/** Settings with undefined in the place of what is not set are the same settings. */
function sameSettings(actual: unknown, expected: unknown, message?: string): void {
  deepStrictEqual(JSON.parse(JSON.stringify(actual)), JSON.parse(JSON.stringify(expected)), message);
}

const compose = { accessKeyId: "minioadmin", secretAccessKey: "minioadmin" };

Deno.test("with nothing set it is the MinIO of compose.yaml", () => {
  sameSettings(settingsOf({}), {
    endpoint: "http://127.0.0.1:9000",
    region: "us-east-1",
    forcePathStyle: true,
    credentials: compose,
    isDefault: true,
  });
  sameSettings(settingsOf({ AWS_ENDPOINT_URL: "", AWS_REGION: "" }), settingsOf({}));
  sameSettings(
    settingsOf({}, { endpoint: "http://other", region: "there" }),
    settingsOf({}),
    "whatever is in ~/.aws for other work",
  );
});

Deno.test("whoever has credentials or a region for AWS gets AWS, found as all of its tools find it", () => {
  const keys = { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "y" };
  sameSettings(settingsOf(keys), { forcePathStyle: false, isDefault: false });
  for (
    const name of [
      "AWS_PROFILE",
      "AWS_WEB_IDENTITY_TOKEN_FILE",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
  ) {
    sameSettings(settingsOf({ [name]: "x" }), { forcePathStyle: false, isDefault: false });
  }
  sameSettings(settingsOf({ AWS_PROFILE: "x" }, {}), { forcePathStyle: false, isDefault: false });
  sameSettings(settingsOf({ AWS_DEFAULT_REGION: "eu-west-1" }), {
    forcePathStyle: false,
    isDefault: false,
    region: "eu-west-1",
  });
});

Deno.test("half of a pair of keys is refused, whatever else is set, and its value not shown", () => {
  for (
    const [given, missing] of [["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], [
      "AWS_SECRET_ACCESS_KEY",
      "AWS_ACCESS_KEY_ID",
    ]] as const
  ) {
    const others: Record<string, string>[] = [{}, { AWS_PROFILE: "x" }, { AWS_ENDPOINT_URL: "http://127.0.0.1:9000" }, {
      [missing]: "",
    }];
    for (const more of others) {
      throws(() => settingsOf({ [given]: "hidden", ...more }), (error) => {
        sameSettings([(error as StreamlabError).kind, (error as Error).message], [
          "usage",
          `Cannot use ${given}: ${missing} is not set`,
        ]);
        return true;
      });
    }
  }
});

Deno.test("an endpoint of its own has the bucket in the path, unless the user says otherwise", () => {
  const variables = {
    AWS_ENDPOINT_URL: "https://s3.example",
    AWS_ACCESS_KEY_ID: "x",
    AWS_SECRET_ACCESS_KEY: "y",
    AWS_REGION: "here",
  };
  sameSettings(settingsOf(variables), {
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
  sameSettings(settingsOf({ AWS_ENDPOINT_URL: "http://localhost:9123" }).credentials, compose);
  sameSettings(settingsOf({ AWS_ENDPOINT_URL: "http://[::1]:9123" }).credentials, compose);
  strictEqual(settingsOf({ AWS_ENDPOINT_URL: "http://localhost:9123", AWS_PROFILE: "x" }).credentials, undefined);
  strictEqual(settingsOf({ AWS_ENDPOINT_URL: "http://localhost:9123" }, {}).credentials, undefined);
  strictEqual(settingsOf({ AWS_ENDPOINT_URL: "https://s3.example" }).credentials, undefined);
});

Deno.test("a profile's endpoint and region count where no variable says otherwise", () => {
  const profile = { endpoint: "https://minio.example", region: "here" };
  sameSettings(settingsOf({ AWS_PROFILE: "x" }, profile), { ...profile, forcePathStyle: true, isDefault: false });
  const variables = { AWS_PROFILE: "x", AWS_ENDPOINT_URL: "https://s3.example" };
  strictEqual(settingsOf(variables, profile).endpoint, "https://s3.example");
  strictEqual(settingsOf(variables, profile).region, "here");
  strictEqual(settingsOf({ ...variables, AWS_REGION: "there" }, profile).region, "there");
});

const config = `# of many
[default]
region = eu-central-1

[profile lab]
region=us-west-2
services = lab-services
endpoint_url = http://everything

[ profile  plain ]
endpoint_url = http://127.0.0.1:9000 
s3 =
    max_concurrent_requests = 20
; the end
[services lab-services]
dynamodb =
  endpoint_url = http://dynamodb
s3 =
  endpoint_url = http://s3
`;

Deno.test("profiles are read as AWS's tools read them", async () => {
  const home = await Deno.makeTempDir();
  try {
    const read = (variables: Record<string, string> = {}) =>
      readAwsProfile((name) => ({ HOME: home, ...variables })[name]);
    strictEqual(await read(), undefined);
    await Deno.mkdir(`${home}/.aws`);
    await Deno.writeTextFile(
      `${home}/.aws/credentials`,
      "[default]\naws_access_key_id = x\n[lab]\nregion = from-keys\n",
    );
    sameSettings(await read(), {});
    sameSettings(await read({ AWS_PROFILE: "lab" }), { region: "from-keys" });
    await Deno.writeTextFile(`${home}/.aws/config`, config);
    sameSettings(await read(), { region: "eu-central-1" });
    sameSettings(await read({ AWS_PROFILE: "lab" }), { endpoint: "http://s3", region: "us-west-2" });
    sameSettings(await read({ AWS_PROFILE: "plain" }), { endpoint: "http://127.0.0.1:9000" });
    sameSettings(await read({ AWS_PROFILE: "lab", AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" }), {
      region: "us-west-2",
    });
    sameSettings(await read({ AWS_PROFILE: "nobody" }), {});
    const elsewhere = `${home}/elsewhere`;
    await Deno.writeTextFile(elsewhere, "[default]\r\nregion = sa-east-1\r\n");
    sameSettings(await read({ AWS_CONFIG_FILE: elsewhere }), { region: "sa-east-1" });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("an endpoint that is none is refused without repeating the password in it", () => {
  for (const endpoint of ["127.0.0.1:9000", "ftp://x", "http://user:hunter2@host"]) {
    throws(() => settingsOf({ AWS_ENDPOINT_URL: endpoint }), (error) => {
      if (!isKind(error, "usage")) return false;
      match(error.message, /AWS_ENDPOINT_URL/);
      doesNotMatch(error.message, /hunter2/);
      return true;
    });
  }
});

Deno.test("what a catalog says of a place wins over the variables, and nothing of the default MinIO goes to another service", () => {
  const key = { "s3.access-key-id": "id", "s3.secret-access-key": "secret", "s3.session-token": "token" };
  const credentials = { accessKeyId: "id", secretAccessKey: "secret", sessionToken: "token" };
  const own = settingsOf({
    AWS_ENDPOINT_URL: "http://127.0.0.1:9000",
    AWS_ACCESS_KEY_ID: "x",
    AWS_SECRET_ACCESS_KEY: "y",
    AWS_REGION: "eu",
  });
  sameSettings(catalogSettings(own, {}), own);
  sameSettings(catalogSettings(own, key), { ...own, credentials });
  sameSettings(catalogSettings(settingsOf({}), { ...key, "client.region": "eu-west-1" }), {
    forcePathStyle: false,
    region: "eu-west-1",
    isDefault: false,
    credentials,
  });
  const told = { ...key, "s3.endpoint": "https://s3.example", "s3.path-style-access": "false", "s3.region": "mars" };
  sameSettings(catalogSettings(settingsOf({}), told), {
    endpoint: "https://s3.example",
    forcePathStyle: false,
    region: "mars",
    isDefault: false,
    credentials,
  });
  const near = catalogSettings(settingsOf({}), { "s3.endpoint": "http://127.0.0.1:9001" });
  sameSettings([near.credentials, near.forcePathStyle], [compose, true]);
  throws(() => catalogSettings(own, { "s3.endpoint": "http://me:password@host" }), (error) => {
    doesNotMatch((error as Error).message, /password@/);
    return isKind(error, "usage");
  });
});

Deno.test("our own keys sign requests to an endpoint that a catalog names only where it is ours", () => {
  const keys = { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "y", AWS_SESSION_TOKEN: "z" };
  const atAws = settingsOf({ ...keys, AWS_REGION: "eu-west-1" });
  const atHome = settingsOf({ ...keys, AWS_ENDPOINT_URL: "https://minio.home:9000/" });
  const isRefused = (own: S3Settings, config: Record<string, string>, ownEndpoint?: string) =>
    throws(() => catalogSettings(own, config, ownEndpoint), (error) => {
      if (!(error instanceof StreamlabError)) return false;
      match(`${error.message} ${error.hint}`, /the catalog names: .*--catalog-s3-endpoint/);
      return error.kind === "usage";
    }, JSON.stringify(config));
  const foreign = [
    "https://evil.example",
    "http://minio.home:9000",
    "https://minio.home",
    "http://s3.eu-west-1.amazonaws.com",
    "https://s3.eu-west-1.amazonaws.com.evil.example",
    "https://ec2-1-2-3-4.compute-1.amazonaws.com",
    "https://s3-balancer-1.eu-west-1.elb.amazonaws.com",
    "https://s3.evil.eu-west-1.elb.amazonaws.com",
  ];
  for (const endpoint of foreign) {
    for (const own of [atAws, atHome, settingsOf({})]) {
      isRefused(own, { "s3.endpoint": endpoint });
      // Half of a key pair is none.
      isRefused(own, { "s3.endpoint": endpoint, "s3.access-key-id": "id", "s3.session-token": "t" });
      isRefused(own, { "s3.endpoint": endpoint }, "https://other.example");
      strictEqual(catalogSettings(own, { "s3.endpoint": endpoint }, new URL(endpoint).origin).endpoint, endpoint);
      const vended = { "s3.endpoint": endpoint, "s3.access-key-id": "id", "s3.secret-access-key": "s" };
      sameSettings(catalogSettings(own, vended).credentials, { accessKeyId: "id", secretAccessKey: "s" });
    }
  }
  strictEqual(catalogSettings(atHome, { "s3.endpoint": "https://minio.home:9000" }).forcePathStyle, true);
  for (const host of ["s3.eu-west-1", "s3", "s3-fips.dualstack.us-gov-west-1", "s3.dualstack.eu-west-1"]) {
    const endpoint = `https://${host}.amazonaws.com`;
    strictEqual(catalogSettings(atAws, { "s3.endpoint": endpoint }).endpoint, endpoint);
    isRefused(atHome, { "s3.endpoint": endpoint });
  }
  throws(() => catalogSettings(atAws, { "client.region": "eu.evil.example/" }), /it is none/);
});
