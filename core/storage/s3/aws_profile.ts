/** An environment variable, or undefined. */
export type ReadVariable = (name: string) => string | undefined;

/** A profile's settings of the service; the AWS client reads its credentials itself. */
export interface AwsProfile {
  /** URL of the service. */
  endpoint?: string;
  region?: string;
}

/** By section, by key; keys that stand indented below another one as `outer.inner`. */
type Sections = Map<string, Map<string, string>>;

/**
 * The profile that `AWS_PROFILE` names, else `default`; undefined where there are no such files
 * (AWS SDKs and Tools Reference Guide, "Shared config and credentials files" and "Service-specific
 * endpoints"). Unreadable files count as missing, because the AWS client could not use them either.
 */
export async function readAwsProfile(variable: ReadVariable): Promise<AwsProfile | undefined> {
  const home = variable("HOME") ?? variable("USERPROFILE");
  const read = async (name: string, file: string) => {
    const path = variable(name) || (home === undefined ? undefined : `${home}/.aws/${file}`);
    if (path === undefined) return undefined;
    return await Deno.readTextFile(path).then(parseIni, () => undefined);
  };
  const config = await read("AWS_CONFIG_FILE", "config");
  const credentials = await read("AWS_SHARED_CREDENTIALS_FILE", "credentials");
  if (config === undefined && credentials === undefined) return undefined;
  const name = variable("AWS_PROFILE") || "default";
  const profile = new Map([
    ...credentials?.get(name) ?? [],
    ...config?.get(name === "default" ? name : `profile ${name}`) ?? config?.get(`profile ${name}`) ?? [],
  ]);
  const services = config?.get(`services ${profile.get("services")}`);
  const ignoresEndpoints = [
    variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
    profile.get("ignore_configured_endpoint_urls"),
  ]
    .some((text) => text?.toLowerCase() === "true");
  const endpoint = ignoresEndpoints ? undefined : services?.get("s3.endpoint_url") ?? profile.get("endpoint_url");
  const region = profile.get("region");
  return { endpoint, region };
}

function parseIni(text: string): Sections {
  const sections: Sections = new Map();
  let section = new Map<string, string>();
  let outer: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const heading = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1];
    if (heading !== undefined) {
      const name = heading.replace(/\s+/g, " ");
      section = sections.get(name) ?? new Map<string, string>();
      sections.set(name, section);
      outer = undefined;
      continue;
    }
    const [, indent = "", key, value = ""] = /^(\s*)([^=]+?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined) continue;
    if (indent === "") outer = value === "" ? key : undefined;
    section.set(indent !== "" && outer !== undefined ? `${outer}.${key}` : key, value);
  }
  return sections;
}
