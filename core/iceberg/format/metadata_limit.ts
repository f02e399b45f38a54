/**
 * Bytes of a table's metadata, of a manifest and of a catalog's answer, as they are and unpacked.
 * Larger ones are damaged or hostile: the metadata of ten thousand snapshots has 10 MB, a manifest
 * by the usual target of 8 MB unpacks to a few times that.
 */
export const METADATA_BYTES_MAX = 128 * 1024 * 1024;
