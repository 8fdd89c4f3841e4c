//! The words of the mesh as values and bytes: keys, records, roster, manifests, and the strict
//! encoding that they share.
//!
//! This crate knows nothing of files, clocks, sockets or storage. Whatever it decodes came from
//! somebody else, so every decoder is bounded before it reads and refuses bytes that would not
//! encode back to themselves. `node/docs/wire.md` describes the same formats for someone who
//! writes a second implementation.

mod audience;
mod body;
mod codec;
mod cose;
mod export;
mod ids;
mod key;
pub mod limits;
mod manifest;
mod parcel;
mod record;
mod roster;
mod sync;

pub use audience::{Audience, CodeFault, MemberCode};
pub use body::{BodyFault, PackedBody};
pub use codec::CodecFault;
pub use export::{Export, ExportFault, ExportWriter};
pub use ids::{DocumentId, LogId, MeshId, NodeId, ParseIdError, RecordId, RootKey, sha256};
pub use key::{BadSignature, KeyFault, SecretKey};
pub use manifest::{Checkpoint, Consent, Manifest, ManifestFault, NodeEntry, NodeState, SignedManifest};
pub use parcel::Parcel;
pub use record::{BodyRef, Header, Kind, Opening, Record, RecordFault};
pub use roster::{Group, Member, Pin, Roster, RosterFault, RosterLimits, SignedRoster, threshold};
pub use sync::{Frontier, FrontierEntry, Place, SyncAnswer, SyncRequest, missing_mark};
