/**
 * The most bytes of a table's metadata, a manifest, or a catalog's answer, packed and unpacked.
 * Larger ones are damaged or hostile: the metadata of ten thousand snapshots has 10 MB, and a
 * manifest at the usual target of 8 MB unpacks to a few times that.
 */
export const METADATA_BYTES_MAX = 128 * 1024 * 1024;
