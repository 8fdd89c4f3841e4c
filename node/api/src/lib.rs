//! The local API between a node and its operators: the types that travel, and the client.
//!
//! HTTP/1.1 and JSON over a Unix socket, guarded by the file's permissions. The server side lives
//! in the daemon; this crate knows nothing of the engine, the store or the mesh.
//!
//! | route | answer |
//! | --- | --- |
//! | `POST /v1/publish` [`PublishRequest`] | [`Published`] |
//! | `POST /v1/vouch` | `{}`: the node signs from now on |
//! | `POST /v1/reindex` | `{}`: the index is rebuilt with the node's next start |
//! | `POST /v1/check` values, one a line | a line for each [`Checked`], in their order, while they are still coming |
//! | `GET /v1/objects` [`QueryParams`] | a line for each [`ObjectLine`], latest arrival first unless asked otherwise |
//! | `GET /v1/versions/{stix id}` | a line for each [`ObjectLine`] with that id |
//! | `GET /v1/related/{stix id}` | [`Related`]: what it refers to, and what refers to it |
//! | `GET /v1/records/{record id}` | [`SignedRecord`] |
//! | `GET /v1/why` `value`, `ceiling` | [`Why`] the value is in lists, or is not |
//! | `GET /v1/feeds/{name}` [`FeedParams`] | a list, as SOC tools get it |
//! | `GET /v1/watch` | a line for each [`ObjectLine`] that arrives from now on |
//! | `GET /v1/status` | [`Status`] |
//! | `GET /v1/peers` | [`Peers`] |
//! | `GET /v1/forks` | [`Forks`] |
//! | `POST /v1/documents` | the bytes of a roster or manifest → [`Submitted`] |
//! | `GET /v1/documents` | [`Documents`]: every roster and manifest here |
//! | `GET /v1/receipts/{id}` | [`Receipts`] of a record, or of those that carry an object |
//! | `POST /v1/tokens` [`TokenRequest`] | [`TokenCreated`] |
//! | `GET /v1/tokens` | [`Tokens`] |
//! | `DELETE /v1/tokens/{id or name}` | [`TokenRevoked`]: it no longer holds |
//! | `GET /metrics` | figures in Prometheus' text format |
//! | `GET /v1/export` | the node's records, as `certmesh_wire::Export` reads them |
//!
//! Every error is an [`ErrorBody`] with a status of 4xx (the request) or 5xx (the node).

mod asking;
mod client;
mod types;

pub use bytes::Bytes;

pub use asking::{
    CheckHit, Checked, FeedParams, QueryParams, Reason, Related, Relation, SignedRecord, Summary, Why,
};
pub use client::{Body, Client, ClientError, EXERCISE, Lines};
pub use types::{
    DocumentFile, Documents, ErrorBody, Fork, Forks, Holder, ObjectLine, Peer, PeerState, Peers,
    PublishRequest, Published, Receipts, RecordReceipts, Status, Submitted, TokenCreated, TokenEntry,
    TokenRequest, TokenRevoked, Tokens,
};
