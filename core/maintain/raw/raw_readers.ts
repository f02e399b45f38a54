import { realPathOf } from "../../disk/removal.ts";
import { eventFileKind, type EventFormat } from "../../lake/event_file.ts";
import type { RawZone } from "../../lake/raw_zone.ts";
import { rawPlaceOf } from "../../lake/target_record.ts";
import { type KnownTarget, targetsOfCatalog } from "../../lake/targets.ts";
import type { Surroundings } from "../surroundings.ts";

/** A target, and what it calls a file. */
export interface RawReader {
  target: string;
  name: string;
}

interface Feed {
  target: string;
  /** Its folder, with links resolved. */
  place: string;
  /** What the names of its files begin with. */
  names: string;
  format: EventFormat | undefined;
}

/**
 * The targets of a lake that are fed from a raw zone, or a part of it: a file is done with when
 * each of them has ingested it. Fails where it cannot be told what feeds one of them.
 */
export class RawReaders {
  readonly #zone: RawZone;
  readonly #feeds: readonly Feed[];

  private constructor(zone: RawZone, feeds: readonly Feed[]) {
    this.#zone = zone;
    this.#feeds = feeds;
  }

  static async of({ catalog, store }: Surroundings, zone: RawZone): Promise<RawReaders> {
    const known = await targetsOfCatalog(catalog);
    return new RawReaders(zone, known.map((target) => feedOf(store.root, target)));
  }

  /** Of a file of the zone, by its path. */
  of(path: string): RawReader[] {
    const { store, prefix } = this.#zone;
    const file = placeOf(store.root, prefix) + path.slice(prefix.length);
    return this.#feeds.flatMap(({ target, place, names, format }) => {
      if (!file.startsWith(place)) return [];
      const inPlace = file.slice(place.length);
      return eventFileKind(inPlace, format) === undefined ? [] : [{ target, name: names + inPlace }];
    });
  }
}

function feedOf(lakeRoot: string, { name: target, record }: KnownTarget): Feed {
  const { root, prefix, base, format } = rawPlaceOf(lakeRoot, record());
  return { target, place: placeOf(root, prefix), names: base + prefix, format };
}

/** With a slash at the end. */
function placeOf(root: string, prefix: string): string {
  const folder = `${root}/${prefix}`.replace(/\/+$/, "");
  return `${folder.includes("://") ? folder : realPathOf(folder).replace(/\/+$/, "")}/`;
}
