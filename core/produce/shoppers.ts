import type { Random } from "../base/random.ts";
import { intBetween, oneOf } from "./choice.ts";
import type { EventType, Properties, ShopEvent } from "./event.ts";
import type { Pools, Product } from "./pools.ts";
import { fastUuid } from "./uuid_text.ts";
import { zipfRanks } from "./zipf.ts";

/** A user, and how far the session has come. */
interface Shopper {
  id: string;
  userAgent: string;
  userAgentJson: string;
  stage: "away" | "landed" | "looking" | "carted";
  product: Product | undefined;
  quantity: number;
  lastSeenUs: number;
}

/** A session that rests this long is over. */
const SESSION_GAP_US = 30 * 60 * 1e6;
/** Users in the shop at once; three of four events are theirs. */
const PRESENT = 8;
const STAY = 0.75;

/**
 * Users of a generated list (each made when first seen) walking from page to product to cart to
 * purchase. Those present were drawn by Zipf's law and stay equally long whoever they are, so their
 * events follow the law too.
 */
export class Shoppers {
  readonly #pools: Pools;
  readonly #random: Random;
  readonly #rank: () => number;
  readonly #users: (Shopper | undefined)[];
  readonly #present: number[] = [];

  constructor(users: number, pools: Pools, random: Random) {
    this.#pools = pools;
    this.#random = random;
    this.#rank = zipfRanks(users, random);
    this.#users = new Array(users);
  }

  /**
   * The stream's next event. A purchase is always of what the same user looked at and carted
   * before.
   */
  next(timestampUs: number, withCountry: boolean): ShopEvent {
    const shopper = this.#someone();
    if (timestampUs - shopper.lastSeenUs > SESSION_GAP_US) shopper.stage = "away";
    shopper.lastSeenUs = timestampUs;
    const [type, properties] = this.#step(shopper);
    return {
      userId: shopper.id,
      eventId: fastUuid(this.#random),
      timestampUs,
      type,
      product: type === "page_view" ? undefined : shopper.product,
      properties,
      country: withCountry ? oneOf(this.#random, this.#pools.countries) : undefined,
    };
  }

  #someone(): Shopper {
    const random = this.#random;
    const stays = this.#present.length === PRESENT && random.next() < STAY;
    const rank = stays ? oneOf(random, this.#present) : this.#rank();
    if (!stays) {
      const place = this.#present.length < PRESENT ? this.#present.length : Math.floor(random.next() * PRESENT);
      this.#present[place] = rank;
    }
    return this.#users[rank] ??= this.#newShopper();
  }

  #newShopper(): Shopper {
    const userAgent = oneOf(this.#random, this.#pools.userAgents);
    return {
      id: fastUuid(this.#random),
      userAgent,
      userAgentJson: JSON.stringify(userAgent),
      stage: "away",
      product: undefined,
      quantity: 0,
      lastSeenUs: 0,
    };
  }

  #step(shopper: Shopper): [EventType, Properties] {
    const chance = this.#random.next();
    switch (shopper.stage) {
      case "away":
        return chance < 0.6 ? this.#land(shopper) : this.#look(shopper);
      case "landed":
        return chance < 0.85 ? this.#look(shopper) : this.#land(shopper);
      case "looking":
        return chance < 0.6 ? this.#cart(shopper) : chance < 0.85 ? this.#look(shopper) : this.#land(shopper);
      case "carted":
        return chance < 0.85 ? purchase(shopper) : this.#look(shopper);
    }
  }

  #land(shopper: Shopper): [EventType, Properties] {
    shopper.stage = "landed";
    const url = oneOf(this.#random, this.#pools.landingUrls);
    return ["page_view", pageProperties(url, JSON.stringify(url), shopper)];
  }

  #look(shopper: Shopper): [EventType, Properties] {
    shopper.stage = "looking";
    const product = shopper.product = oneOf(this.#random, this.#pools.products);
    return ["page_view", pageProperties(product.url, product.urlJson, shopper)];
  }

  #cart(shopper: Shopper): [EventType, Properties] {
    shopper.stage = "carted";
    shopper.quantity = intBetween(this.#random, 1, 3);
    const quantity = String(shopper.quantity);
    return ["add_to_cart", { entries: [["quantity", quantity]], json: '{"quantity":' + quantity + "}" }];
  }
}

function pageProperties(url: string, urlJson: string, shopper: Shopper): Properties {
  return {
    entries: [["url", url], ["user_agent", shopper.userAgent]],
    json: '{"url":' + urlJson + ',"user_agent":' + shopper.userAgentJson + "}",
  };
}

function purchase(shopper: Shopper): [EventType, Properties] {
  shopper.stage = "away";
  const product = shopper.product!;
  const amount = String(product.priceCents * shopper.quantity / 100);
  return ["purchase", {
    entries: [["amount", amount], ["currency", product.currency]],
    json: '{"amount":' + amount + ',"currency":"' + product.currency + '"}',
  }];
}
