import type { Random } from "../base/random.ts";
import { intBetween, oneOf } from "./choice.ts";
import type { EventType, EventUser, PropertiesPart, ShopEvent } from "./event.ts";
import { userText } from "./event_bytes.ts";
import { type Pools, type Product, propertiesPart } from "./pools.ts";
import { fastUuid, uuidText } from "./uuid_text.ts";
import { zipfRanks } from "./zipf.ts";

/** A user, and how far the session has come. */
interface Shopper extends EventUser {
  userAgent: PropertiesPart;
  stage: "away" | "landed" | "looking" | "carted";
  product: Product | undefined;
  quantity: number;
  lastSeenUs: number;
}

type Step = [type: EventType, properties: readonly PropertiesPart[]];

const QUANTITY_MAX = 3;
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
      user: shopper,
      id: fastUuid(this.#random),
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
    const id = uuidText(fastUuid(this.#random));
    return {
      id,
      bytes: userText(id),
      userAgent,
      stage: "away",
      product: undefined,
      quantity: 0,
      lastSeenUs: 0,
    };
  }

  #step(shopper: Shopper): Step {
    const chance = this.#random.next();
    switch (shopper.stage) {
      case "away":
        return chance < 0.6 ? this.#land(shopper) : this.#look(shopper);
      case "landed":
        return chance < 0.85 ? this.#look(shopper) : this.#land(shopper);
      case "looking":
        return chance < 0.6 ? this.#cart(shopper) : chance < 0.85 ? this.#look(shopper) : this.#land(shopper);
      case "carted":
        return chance < 0.85 ? this.#purchase(shopper) : this.#look(shopper);
    }
  }

  #land(shopper: Shopper): Step {
    shopper.stage = "landed";
    return ["page_view", [oneOf(this.#random, this.#pools.landingPages), shopper.userAgent]];
  }

  #look(shopper: Shopper): Step {
    shopper.stage = "looking";
    const product = shopper.product = oneOf(this.#random, this.#pools.products);
    return ["page_view", [product.page, shopper.userAgent]];
  }

  #cart(shopper: Shopper): Step {
    shopper.stage = "carted";
    shopper.quantity = intBetween(this.#random, 1, QUANTITY_MAX);
    return ["add_to_cart", cartProperties[shopper.quantity]!];
  }

  #purchase(shopper: Shopper): Step {
    shopper.stage = "away";
    const { product, quantity } = shopper;
    return ["purchase", product!.purchases[quantity] ??= purchaseProperties(product!, quantity)];
  }
}

const cartProperties = Array.from({ length: QUANTITY_MAX + 1 }, (_, quantity): readonly PropertiesPart[] => {
  const text = String(quantity);
  return [propertiesPart([["quantity", text]], `{"quantity":${text}}`)];
});

function purchaseProperties({ priceCents, currency }: Product, quantity: number): readonly PropertiesPart[] {
  const amount = String(priceCents * quantity / 100);
  const entries = [["amount", amount], ["currency", currency]] as const;
  return [propertiesPart(entries, `{"amount":${amount},"currency":"${currency}"}`)];
}
