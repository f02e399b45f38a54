import type { Random } from "../base/random.ts";
import { oneOf } from "./choice.ts";
import { fastUuid } from "./uuid_text.ts";

export interface Product {
  id: string;
  /** Where it is looked at, and the same as JSON text. */
  url: string;
  urlJson: string;
  priceCents: number;
  currency: string;
}

/**
 * What events are made of: drawn once per run, so that an event costs no more than joining text.
 */
export interface Pools {
  products: readonly Product[];
  /** Pages that show no product: home, categories, search. */
  landingUrls: readonly string[];
  userAgents: readonly string[];
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
    return {
      id: fastUuid(random),
      url,
      urlJson: JSON.stringify(url),
      priceCents: Math.round(Number(faker.commerce.price({ min: 1, max: 500 })) * 100),
      currency: oneOf(random, CURRENCIES),
    };
  });
  const categories = times(20, () => `${oneOf(random, sites)}${faker.helpers.slugify(faker.commerce.department())}`);
  const searches = times(20, () => `${oneOf(random, sites)}search?q=${encodeURIComponent(faker.commerce.product())}`);
  return {
    products,
    landingUrls: [...sites, ...categories, ...searches],
    userAgents: times(USER_AGENTS, () => faker.internet.userAgent()),
    countries: times(20, () => faker.location.countryCode()),
  };
}
