/** The positions of the repeats in each raw file that has some, ascending, by its name. */
export type Repeats = ReadonlyMap<string, readonly number[]>;
