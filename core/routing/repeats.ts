/** The positions of the repeats in each raw file that has some, ascending, by its name. */
export type RepeatPositions = ReadonlyMap<string, readonly number[]>;
