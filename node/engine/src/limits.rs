//! How much the engine takes on at once, in one place. What a byte string may be long is in
//! [`certmesh_wire::limits`].

/// Records that share one commit: enough to spread an fsync thin, few enough that the first of
/// them does not wait for long.
pub const COMMIT_RECORDS: usize = 1_024;
/// Bytes of records and bodies after which a commit takes no more.
pub const COMMIT_BYTES: usize = 16 * 1024 * 1024;
/// Index entries that the observables of one record make. What the operators' command publishes, a
/// quarter MiB of text a record, stays far below; a record made to swell the index does not get on.
pub const RECORD_OBSERVABLES: usize = 16_384;
/// How far ahead of its log's head a record may be to be kept until its predecessors come. It is
/// also how many records of one log can be verified together.
pub const PARK_AHEAD: u64 = 512;
/// Bytes of records and compressed bodies of one log that wait for their predecessors.
pub const PARK_LOG_BYTES: usize = 2 * 1024 * 1024;
/// Objects that one page of a query gathers before it is handed on.
pub const PAGE_OBJECTS: usize = 500;
/// Bytes of objects after which a page ends.
pub const PAGE_BYTES: usize = 4 * 1024 * 1024;
