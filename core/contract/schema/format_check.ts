import { isDate, utcMicrosText, uuidText } from "../instant_text.ts";
import { parsePattern, PatternError, PatternTooLargeError } from "../pattern/parse_pattern.ts";

/**
 * The formats of JSON Schema 2020-12 (validation, section 7.3) that are checked here: those that
 * give a column its type always, the others where a contract asks for it. Each takes time in
 * proportion to the text: no expression can be matched in two ways.
 */
const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  date: isDate,
  "date-time": (text) => utcMicrosText(text) !== undefined,
  uuid: (text) => uuidText(text) !== undefined,
  time: isTime,
  duration: (text) => DURATION.test(text) && !/[PT]$/.test(text),
  email: isEmail,
  hostname: isHostname,
  ipv4: isIpv4,
  ipv6: isIpv6,
  uri: (text) => /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) && isUriReference(text),
  "uri-reference": isUriReference,
  "uri-template": isUriTemplate,
  "json-pointer": (text) => JSON_POINTER.test(text),
  "relative-json-pointer": (text) => /^(?:0|[1-9][0-9]*)(?:#$|\/|$)/.test(text) && isRelativePointer(text),
  regex: isRegex,
};

/** Those that are checked whether or not a contract asks for it. */
export const ALWAYS_CHECKED: ReadonlySet<string> = new Set(["date", "date-time", "uuid", "int32"]);

/** Whether the format can be checked. */
export function isCheckable(format: string): boolean {
  return ALWAYS_CHECKED.has(format) || Object.hasOwn(FORMATS, format);
}

/** What a string of the format must be, as words for "expected …", where the text is none. */
export function expectedOfFormat(format: string, text: string): string | undefined {
  if (!Object.hasOwn(FORMATS, format)) return undefined;
  return FORMATS[format]!(text) ? undefined : `string of format ${format}`;
}

/** RFC 3339, appendix A: each unit is followed by the next smaller one or none. */
const DURATION =
  /^P(?:[0-9]+W|(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)?(?:T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S))?)$/;

const JSON_POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/;

function isRelativePointer(text: string): boolean {
  return text.endsWith("#") || JSON_POINTER.test(text.replace(/^[0-9]+/, ""));
}

/** RFC 3339, `full-time`; a leap second is the last one of a day in UTC. */
function isTime(text: string): boolean {
  const parts =
    /^([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))$/
      .exec(text);
  if (parts === null) return false;
  if (parts[3] !== "60") return true;
  const offset = parts[4] === undefined ? 0 : Number(`${parts[4]}1`) * (Number(parts[5]) * 60 + Number(parts[6]));
  return ((Number(parts[1]) * 60 + Number(parts[2]) - offset) % 1440 + 1440) % 1440 === 1439;
}

/** RFC 5321, section 4.1.2, `Mailbox`. */
function isEmail(text: string): boolean {
  const at = text.lastIndexOf("@");
  if (at < 1) return false;
  const local = text.slice(0, at), domain = text.slice(at + 1);
  const atoms = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
  const quoted = /^"(?:[ !#-[\]-~]|\\[ -~])*"$/;
  if (!atoms.test(local) && !quoted.test(local)) return false;
  const literal = /^\[(IPv6:)?(.*)\]$/.exec(domain);
  if (literal === null) return isHostname(domain);
  return literal[1] === undefined ? isIpv4(literal[2]!) : isIpv6(literal[2]!);
}

/** RFC 1123, section 2.1. */
function isHostname(text: string): boolean {
  if (text.length === 0 || text.length > 253) return false;
  return text.split(".").every((label) => /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label));
}

/** RFC 2673, section 3.2, in decimal digits without zeros before them. */
function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
}

/** RFC 4291, section 2.2. */
function isIpv6(text: string): boolean {
  if (!/^[0-9A-Fa-f:.]{2,45}$/.test(text)) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => half === "" ? [] : half.split(":"));
  const last = groups.at(-1) ?? "";
  const inIpv4 = last.includes(".");
  if (inIpv4 && (!isIpv4(last) || text.endsWith("::"))) return false;
  const plain = inIpv4 ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  const count = plain.length + (inIpv4 ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

const URI_CHARACTERS = /^(?:[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$/;

/** RFC 3986, section 4.1. */
function isUriReference(text: string): boolean {
  if (!URI_CHARACTERS.test(text)) return false;
  const parts = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/.exec(text)!;
  const [, scheme, authority, path, query, fragment] = parts;
  if (scheme !== undefined && !/^[A-Za-z][A-Za-z0-9+.-]*$/.test(scheme)) return false;
  if ([path, query, fragment].some((part) => part !== undefined && /[[\]#]/.test(part))) return false;
  return authority === undefined || isAuthority(authority);
}

function isAuthority(text: string): boolean {
  const at = text.lastIndexOf("@");
  if (at >= 0 && /[@[\]]/.test(text.slice(0, at))) return false;
  const host = text.slice(at + 1).replace(/:[0-9]*$/, "");
  if (!/[[\]]/.test(host)) return !host.includes(":");
  const literal = /^\[(.*)\]$/.exec(host);
  return literal !== null &&
    (isIpv6(literal[1]!) || /^v[0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+$/i.test(literal[1]!));
}

/** RFC 6570, section 2. */
function isUriTemplate(text: string): boolean {
  const outside = text.replace(/\{[+#./;?&=,!@|]?[^{}]+\}/g, "");
  // deno-lint-ignore no-control-regex
  return !/[\x00-\x20"'<>\\^`{|}]/.test(outside) && !/%(?![0-9A-Fa-f]{2})/.test(outside);
}

/** What is too large to be read is none: the engine would look through some texts for hours. */
function isRegex(text: string): boolean {
  try {
    parsePattern(text);
    return true;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return !error.isSyntax && !(error instanceof PatternTooLargeError);
  }
}
