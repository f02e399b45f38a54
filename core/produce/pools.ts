import type { Random } from "../base/random.ts";
import { oneOf } from "./choice.ts";
import type { EventProduct, PropertiesPart } from "./event.ts";
import { productText } from "./event_bytes.ts";
import { fixedText } from "./fixed_text.ts";
import { fastUuid, uuidText } from "./uuid_text.ts";

export interface Product extends EventProduct {
  /** Where it is looked at. */
  page: PropertiesPart;
  priceCents: number;
  currency: string;
  /** By quantity, as soon as somebody has bought so many. */
  purchases: (readonly PropertiesPart[] | undefined)[];
}

/**
 * What events are made of: drawn once per run, so that an event costs no more than joining text.
 */
export interface Pools {
  products: readonly Product[];
  /** Pages that show no product: home, categories, search. */
  landingPages: readonly PropertiesPart[];
  userAgents: readonly PropertiesPart[];
  /** What the new column of `evolveAfter` holds. */
  countries: readonly string[];
}

const PRODUCTS = 400;
const SITES = 40;
const USER_AGENTS = 200;
const CURRENCIES = ["USD", "EUR", "GBP"] as const;

/**
 * Loads faker here, and only its English part: it is asked for once per run, and `--help` should
 * not wait for it.
 */
export async function makePools(random: Random): Promise<Pools> {
  const { faker } = await import("@faker-js/faker");
  faker.seed(Math.floor(random.next() * 0x100000000));
  const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  const sites = times(SITES, () => faker.internet.url({ appendSlash: true }));
  const products = times(PRODUCTS, (): Product => {
    const url = `${oneOf(random, sites)}products/${faker.helpers.slugify(faker.commerce.productName()).toLowerCase()}`;
    const id = uuidText(fastUuid(random));
    return {
      id,
      bytes: productText(id),
      page: pagePart(url),
      priceCents: Math.round(Number(faker.commerce.price({ min: 1, max: 500 })) * 100),
      currency: oneOf(random, CURRENCIES),
      purchases: [],
    };
  });
  const categories = times(20, () => `${oneOf(random, sites)}${faker.helpers.slugify(faker.commerce.department())}`);
  const searches = times(20, () => `${oneOf(random, sites)}search?q=${encodeURIComponent(faker.commerce.product())}`);
  return {
    products,
    landingPages: [...sites, ...categories, ...searches].map(pagePart),
    userAgents: times(USER_AGENTS, () => userAgentPart(faker.internet.userAgent())),
    countries: times(20, () => faker.location.countryCode()),
  };
}

/** The first half of a page view's properties. */
function pagePart(url: string): PropertiesPart {
  return propertiesPart([["url", url]], `{"url":${JSON.stringify(url)}`);
}

/** The second half. */
function userAgentPart(userAgent: string): PropertiesPart {
  return propertiesPart([["user_agent", userAgent]], `,"user_agent":${JSON.stringify(userAgent)}}`);
}

export function propertiesPart(entries: PropertiesPart["entries"], json: string): PropertiesPart {
  return { entries, json, bytes: fixedText(json) };
}
