//! How large anything on the wire may be, in one place, with the arithmetic.
//!
//! A decoder checks the length of its input against one of these before it looks at a byte.

/// A record's header, as CBOR, in bytes.
pub const HEADER_BYTES: usize = 4 * 1024;
/// A record's signed bytes: the header, the 64-byte signature and the few bytes of COSE around them.
pub const SIGNED_BYTES: usize = HEADER_BYTES + 128;
/// A record's body as it travels, compressed, in bytes.
pub const BODY_BYTES: usize = 1024 * 1024;
/// A record's body after decompression, in bytes.
pub const RAW_BODY_BYTES: usize = 8 * 1024 * 1024;
/// STIX objects in one body.
pub const BODY_OBJECTS: usize = 4_096;
/// A parcel: a record, its body, and the CBOR around them.
pub const PARCEL_BYTES: usize = SIGNED_BYTES + BODY_BYTES + 16;

/// The largest gossip payload, in bytes: 4 KiB below the 64 KiB that receivers allow a whole RPC.
pub const GOSSIP_PAYLOAD: usize = 60 * 1024;

/// Logs in a frontier, or in one question about logs.
pub const SYNC_LOGS: usize = 4_096;
/// Places in one question about bodies or ids.
pub const SYNC_PLACES: usize = 1_024;
/// Records in one answer: at the smallest record (about 200 bytes) the budget holds 20,000.
pub const SYNC_RECORDS: usize = 16_384;
/// Documents in an answer that names all of them: 34 bytes each, far below an answer's limit.
pub const SYNC_DOCUMENTS: usize = 65_536;
/// Documents in one question for them, and in its answer: with the largest, 4 MiB.
pub const SYNC_FETCHED: usize = 16;
/// A question, in bytes: the largest asks about 4,096 logs with 44 bytes each.
pub const SYNC_REQUEST_BYTES: usize = 192 * 1024;
/// How much an answer gathers before it stops, in bytes.
pub const SYNC_ANSWER_BUDGET: usize = 4 * 1024 * 1024;
/// An answer, in bytes: the budget, the body that crossed it, and the CBOR around them.
pub const SYNC_ANSWER_BYTES: usize = SYNC_ANSWER_BUDGET + BODY_BYTES + 64 * 1024;

/// A roster with its signatures, in bytes.
pub const ROSTER_BYTES: usize = 256 * 1024;
/// A roster's document, in bytes: beside 676 signatures of 70 bytes it stays below [`ROSTER_BYTES`].
pub const ROSTER_DOCUMENT_BYTES: usize = 208 * 1024;
/// Logs whose end one pin of a roster can name.
pub const PIN_CUTS: usize = 1_024;
/// Members of a mesh.
pub const MEMBERS: usize = 676;
/// Named groups in a roster.
pub const GROUPS: usize = 256;
/// A signed manifest, in bytes.
pub const MANIFEST_BYTES: usize = 256 * 1024;
/// Node keys in a manifest, of every state.
pub const MANIFEST_NODES: usize = 64;
/// Addresses of one node.
pub const NODE_ADDRESSES: usize = 8;
/// Logs of one node that a manifest can checkpoint.
pub const NODE_CHECKPOINTS: usize = 256;
/// A name or an address in a roster or manifest, in bytes.
pub const TEXT_BYTES: usize = 256;
/// Member codes in an audience.
pub const AUDIENCE_MEMBERS: usize = 256;
/// How deep CBOR may nest: a parcel in a list in an answer, or a checkpoint in a node in a manifest.
pub const CBOR_DEPTH: usize = 8;
