import { StreamlabError } from "../../base/errors.ts";
import { type AwsProfile, readAwsProfile, type ReadVariable } from "./aws_profile.ts";

/**
 * How to reach the objects. The AWS client finds undefined values as AWS's tools do: in variables,
 * profiles and roles.
 */
export interface S3Settings {
  /** URL of the service; undefined is AWS itself. */
  endpoint?: string;
  region?: string;
  /**
   * The bucket in the path (`http://host/bucket/key`) instead of the host name
   * (`http://bucket.host/key`).
   */
  forcePathStyle: boolean;
  credentials?: S3Credentials;
  /** Certificates to trust, PEM. */
  ca?: string;
  /** Nothing was set, so these are the values of compose.yaml. */
  isDefault: boolean;
}

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** The MinIO that compose.yaml and `deno task minio` start. */
const COMPOSE_ENDPOINT = "http://127.0.0.1:9000";
const COMPOSE_CREDENTIALS: S3Credentials = { accessKeyId: "minioadmin", secretAccessKey: "minioadmin" };

/**
 * Each of them says where credentials come from (AWS SDKs and Tools Reference Guide, "Environment
 * variables").
 */
const CREDENTIAL_VARIABLES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_PROFILE",
  "AWS_WEB_IDENTITY_TOKEN_FILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_SHARED_CREDENTIALS_FILE",
  "AWS_CONFIG_FILE",
];
const PLACE_VARIABLES = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"];

/**
 * Settings from the `AWS_*` variables, else from the profile, if there are any. Where none of the
 * variables is set it is the MinIO of compose.yaml, even with a `~/.aws` for other work:
 * `AWS_PROFILE` or `AWS_REGION` asks for that. MinIO's key is also used for any other endpoint on
 * this machine for which there are no credentials, neither in variables nor in `~/.aws`.
 */
export function readS3Settings(variable: ReadVariable, profile: AwsProfile | undefined): S3Settings {
  checkKeyPair(variable);
  const isDefault = ![...PLACE_VARIABLES, ...CREDENTIAL_VARIABLES].some((name) => isSet(variable(name)));
  const hasCredentials = !isDefault &&
    (profile !== undefined || CREDENTIAL_VARIABLES.some((name) => isSet(variable(name))));
  const endpoint = isDefault
    ? COMPOSE_ENDPOINT
    : checkEndpoint(variable("AWS_ENDPOINT_URL_S3") || variable("AWS_ENDPOINT_URL") || undefined) ??
      checkEndpoint(profile?.endpoint, "the profile's endpoint_url");
  const region = variable("AWS_REGION") || variable("AWS_DEFAULT_REGION") || (isDefault ? undefined : profile?.region);
  return {
    forcePathStyle: readFlag(variable("AWS_S3_FORCE_PATH_STYLE")) ?? endpoint !== undefined,
    isDefault,
    endpoint,
    // MinIO and its like have this region unless told otherwise; AWS is asked through the profile.
    region: region ?? (endpoint === undefined ? undefined : "us-east-1"),
    credentials: endpoint !== undefined && !hasCredentials && isLoopback(endpoint) ? COMPOSE_CREDENTIALS : undefined,
  };
}

/** Settings of this process, with the certificates that `AWS_CA_BUNDLE` names. */
export async function readOwnS3Settings(): Promise<S3Settings> {
  const variable: ReadVariable = (name) => Deno.env.get(name);
  const settings = readS3Settings(variable, await readAwsProfile(variable));
  const bundle = variable("AWS_CA_BUNDLE");
  if (!isSet(bundle)) return settings;
  try {
    return { ...settings, ca: await Deno.readTextFile(bundle) };
  } catch (error) {
    throw new StreamlabError("usage", `Cannot read the certificates in "${bundle}"`, {
      hint: "Correct AWS_CA_BUNDLE, or unset it",
      cause: error,
    });
  }
}

/**
 * Settings for a place that a catalog names, in the names of Iceberg's S3FileIO. `own` supplies
 * what is missing, except our default MinIO. With an endpoint the bucket is in the path, unless the
 * catalog says otherwise. Our own keys sign requests to an endpoint of the catalog only if it is
 * ours: that of `own`, or `ownEndpoint`.
 */
export function catalogSettings(
  own: S3Settings,
  config: Readonly<Record<string, string>>,
  ownEndpoint?: string,
): S3Settings {
  const endpoint = checkEndpoint(config["s3.endpoint"], "the endpoint that the catalog names");
  const region = checkRegion(config["s3.region"] ?? config["client.region"]);
  const accessKeyId = config["s3.access-key-id"], secretAccessKey = config["s3.secret-access-key"];
  const isVended = accessKeyId !== undefined && secretAccessKey !== undefined;
  if (endpoint !== undefined && !isVended && !isOurs(endpoint, own, ownEndpoint)) throw foreignEndpoint(endpoint);
  const sessionToken = config["s3.session-token"];
  const pathStyle = readFlag(config["s3.path-style-access"]);
  if ([endpoint, region, accessKeyId, pathStyle].every((told) => told === undefined)) return own;
  const { credentials, ...others } = own;
  const base = own.isDefault ? { forcePathStyle: false, region: "us-east-1" } : others;
  const told = isVended
    ? { accessKeyId, secretAccessKey, sessionToken }
    : own.isDefault && !(endpoint !== undefined && isLoopback(endpoint))
    ? undefined
    : credentials;
  return {
    ...base,
    isDefault: false,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(pathStyle === undefined ? {} : { forcePathStyle: pathStyle }),
    ...(region === undefined ? {} : { region }),
    ...(told === undefined ? {} : { credentials: told }),
  };
}

/** Whether our own keys may sign requests to an endpoint that a catalog names. */
function isOurs(endpoint: string, own: S3Settings, ownEndpoint: string | undefined): boolean {
  const { origin, protocol, hostname } = new URL(endpoint);
  const ours = [own.endpoint, ownEndpoint].flatMap((text) => text === undefined ? [] : [new URL(text).origin]);
  if (ours.includes(origin)) return true;
  // Its keys are public, in compose.yaml.
  if (own.isDefault) return isLoopback(endpoint);
  return own.endpoint === undefined && protocol === "https:" && AWS_HOST.test(hostname);
}

/**
 * Only S3's own endpoints, none that a customer of AWS can name (AWS General Reference, "Amazon S3
 * endpoints").
 */
const AWS_HOST = /^s3(?:-fips)?(?:\.dualstack)?(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?$/;

function foreignEndpoint(endpoint: string): StreamlabError {
  const { origin } = new URL(endpoint);
  return new StreamlabError(
    "usage",
    `Cannot use the S3 endpoint ${origin} that the catalog names: it comes without credentials, and yours would be sent there`,
    {
      hint: `Say that it is yours with --catalog-s3-endpoint ${origin}, or let the catalog give credentials`,
    },
  );
}

/** It becomes part of a host's name. */
function checkRegion(region: string | undefined): string | undefined {
  if (region === undefined || /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(region)) return region;
  throw new StreamlabError("unavailable", "Cannot use the region that the catalog names: it is none", {
    hint: "Check the catalog's s3.region and client.region",
  });
}

/**
 * One without the other is a mistake; falling back to a profile or the MinIO of compose.yaml would
 * hide it.
 */
function checkKeyPair(variable: ReadVariable): void {
  const [id, secret] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] as const;
  if (isSet(variable(id)) === isSet(variable(secret))) return;
  const [given, missing] = isSet(variable(id)) ? [id, secret] : [secret, id];
  throw new StreamlabError("usage", `Cannot use ${given}: ${missing} is not set`, { hint: "Set both, or neither" });
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}

function readFlag(value: string | undefined): boolean | undefined {
  return isSet(value) ? !/^(0|false|no|off)$/i.test(value) : undefined;
}

function checkEndpoint(text: string | undefined, name = "AWS_ENDPOINT_URL"): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "") return text;
  // The text itself is not shown: it may hold a password.
  throw new StreamlabError(
    "usage",
    `Cannot use ${name}: it is no http or https URL without user and password`,
    {
      hint: "Write it like http://127.0.0.1:9000",
    },
  );
}

function isLoopback(endpoint: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(URL.parse(endpoint)?.hostname ?? "");
}
