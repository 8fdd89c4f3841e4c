//! What travels over the local API, as JSON. Scripts rely on these names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Objects to publish together, as one record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishRequest {
    /// STIX 2.1 objects; each is kept as exactly this text.
    pub objects: Vec<Box<RawValue>>,
}

/// What was published, durable on the node's disk when the answer arrives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Published {
    /// How many objects the record holds.
    pub objects: u64,
    /// How many of them were there already, byte for byte. Of a record that is too large for one commit only the objects of its
    /// first part are counted.
    #[serde(default)]
    pub known: u64,
    /// The record's id, 64 hexadecimal digits.
    pub record: String,
}

/// One object with its provenance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ObjectLine {
    /// This node's own strictly increasing stamp, in milliseconds: a cursor, not a clock.
    pub arrival: u64,
    /// Who published it.
    pub member: String,
    /// Whether it no longer is as it was: `left`, if the member is no longer in the mesh; `cut`, if its key was
    /// stolen after this; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<String>,
    /// The node that signed it.
    pub node_id: String,
    /// The record that carried it.
    pub record: String,
    /// Its marking: `clear`, `green`, `amber`, `amber+strict` or `red`.
    pub tlp: String,
    /// Where a query goes on after this object, in the order that was asked for; absent elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether the mesh is an exercise: nothing in it is real.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exercise: bool,
    /// The published JSON, byte for byte, except that line breaks between its tokens are spaces here.
    pub object: Box<RawValue>,
}

/// How the node is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// The mesh id.
    pub mesh: String,
    /// The mesh's name, from the roster.
    pub mesh_name: String,
    /// The version of the roster that stands.
    pub roster_version: u64,
    /// Its document's id.
    pub roster_document: String,
    /// How many other members have the same rosters and manifests, by what a node of theirs said last.
    pub roster_confirmed_by: u64,
    /// Whether all of it is an exercise.
    pub exercise: bool,
    /// Whose node this is.
    pub member: String,
    /// That member's name as a CERT, from the roster; empty if it is no longer in it.
    #[serde(default)]
    pub member_cert: String,
    /// The STIX identity id that owns what it publishes, from the roster; empty if it is no longer in it.
    #[serde(default)]
    pub member_identity: String,
    /// The node's key.
    pub node_id: String,
    /// The daemon's version.
    pub version: String,
    /// Whether it signs what its analysts publish; if not, an alarm says why.
    pub signs: bool,
    /// Records held, of all logs.
    pub records: u64,
    /// Objects held.
    pub objects: u64,
    /// Objects of type `indicator` held.
    pub indicators: u64,
    /// What was refused since the start: how often, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Where this node listens for SOC tools; nowhere, if empty. They may know it by another name: this is the address that it
    /// is bound to.
    #[serde(default)]
    pub soc_urls: Vec<String>,
    /// How many tokens hold that let them read.
    #[serde(default)]
    pub soc_tokens: u64,
    /// What needs an operator's attention, in words.
    pub alarms: Vec<String>,
    /// The other nodes of the mesh.
    pub peers: Vec<PeerState>,
}

/// Whether another node is connected, and whether it has what this one has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PeerState {
    /// Whose node.
    pub member: String,
    /// Its key.
    pub node_id: String,
    /// Whether a connection to it stands.
    pub connected: bool,
    /// See [`Peer::behind_records`].
    pub behind_records: Option<u64>,
    /// See [`Peer::behind_ms`].
    pub behind_ms: Option<u64>,
}

/// What became of a roster or manifest that was submitted; durable on the node when the answer arrives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Submitted {
    /// The document's id, 64 hexadecimal digits.
    pub document: String,
    /// `roster` or `manifest`.
    pub kind: String,
    /// What it changed, in words.
    pub effect: String,
    /// Whether the node did not have it yet.
    pub new: bool,
    /// Whether it stands: of an older version that is here another one does.
    pub stands: bool,
}

/// Every roster and manifest that a node has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Documents {
    /// In no particular order.
    pub documents: Vec<DocumentFile>,
}

/// A roster or a manifest, as in its file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DocumentFile {
    /// `roster` or `manifest`.
    pub kind: String,
    /// Whose manifest it is; absent for a roster.
    pub member: Option<String>,
    /// Its version.
    pub version: u64,
    /// The document's id, 64 hexadecimal digits.
    pub document: String,
    /// The bytes of the file, in hexadecimal digits.
    pub hex: String,
}

/// The other nodes of the mesh, in detail.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Peers {
    /// Sorted by member, then key.
    pub peers: Vec<Peer>,
}

/// One other node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Peer {
    /// Whose node.
    pub member: String,
    /// The CERT's name.
    pub cert: String,
    /// Its key.
    pub node_id: String,
    /// Whether a connection to it stands.
    pub connected: bool,
    /// When that last changed, milliseconds since 1970 UTC; absent if it was never connected.
    pub since_ms: Option<u64>,
    /// Where its manifest says that it can be reached.
    pub addresses: Vec<String>,
    /// Records that this node received from it since the start.
    pub received: u64,
    /// Records of it that were refused since the start.
    pub refused: u64,
    /// Records of its member that it brought faster than its share, and that were put off: each time that
    /// one was, since the start.
    pub delayed: u64,
    /// When it told last how far it is, milliseconds since 1970 UTC; absent if it has not since the start.
    pub told_ms: Option<u64>,
    /// Records that this node has and it lacks, as it told last; absent if it never has.
    pub behind_records: Option<u64>,
    /// The age of the oldest of them, milliseconds; absent if it lacks none.
    pub behind_ms: Option<u64>,
}

/// Who holds a record, or the records that carry an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Receipts {
    /// For each record: one, or one for each member that publishes the object.
    pub records: Vec<RecordReceipts>,
}

/// Who holds one record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordReceipts {
    /// The record.
    pub record: String,
    /// Whose node signed it.
    pub member: String,
    /// That node.
    pub node_id: String,
    /// Its place in that node's log.
    pub seq: u64,
    /// When it was made, by that node's clock; milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// Every other live node that may hold it, but this one; sorted by member, then key.
    pub nodes: Vec<Holder>,
}

/// Whether a node holds a record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Holder {
    /// Whose node.
    pub member: String,
    /// The CERT's name.
    pub cert: String,
    /// Its key.
    pub node_id: String,
    /// Since when it is known to hold the record with its body, milliseconds since 1970 UTC; absent if it
    /// has not told so yet.
    pub since_ms: Option<u64>,
}

/// The logs whose key has signed two histories.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Forks {
    /// The lowest fork of each log that has one, sorted by member.
    pub forks: Vec<Fork>,
}

/// Two records that claim one place in a log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fork {
    /// Whose node signed both.
    pub member: String,
    /// Its key.
    pub node_id: String,
    /// The log.
    pub log: String,
    /// The place: what came before it counts; what came from there on does not, unless it is settled.
    pub seq: u64,
    /// The two records' ids.
    pub records: [String; 2],
    /// Whether the member's manifest vouches for a place at or beyond it, so that the log goes on.
    pub settled: bool,
}

/// What a new token for a SOC tool is to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What it is called in lists, logs and figures: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// The strictest marking that it shows; `green` if absent. It never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tlp: Option<String>,
    /// What it may be used for: `taxii`, `feeds`, `check`, `stream`, `metrics`, `publish`; all that reads
    /// intelligence, if empty.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Where it may be used from, as addresses and networks such as `192.0.2.0/24`; anywhere, if empty.
    #[serde(default)]
    pub networks: Vec<String>,
    /// From when on it no longer holds, milliseconds since 1970 UTC; 90 days on, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// Whether it may read the feeds of an exercise, which are not of real threats.
    #[serde(default)]
    pub exercise: bool,
}

/// A token that was made: the only time that anybody sees it.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenCreated {
    /// `certmesh_<id>_<secret>`, for the tool's configuration.
    pub token: String,
    /// What it is.
    #[serde(flatten)]
    pub entry: TokenEntry,
}

impl std::fmt::Debug for TokenCreated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenCreated").field("entry", &self.entry).finish_non_exhaustive()
    }
}

/// A token without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenEntry {
    /// Its public half, 12 hexadecimal digits.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The strictest marking that it shows.
    pub tlp: String,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// Where it may be used from; anywhere, if empty.
    pub networks: Vec<String>,
    /// When it was made, milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// From when on it no longer holds, milliseconds since 1970 UTC.
    pub expires_ms: u64,
    /// Whether it may read the feeds of an exercise.
    pub exercise: bool,
}

/// A token that no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRevoked {
    /// What it was.
    #[serde(flatten)]
    pub entry: TokenEntry,
    /// Whether that is written. If not, the disk is full: it is written once there is room, unless the node ends before.
    #[serde(default = "always")]
    pub kept: bool,
}

/// A node without this word answers once it is written.
fn always() -> bool {
    true
}

/// The tokens of a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    /// Sorted by name; expired ones too, until they are revoked.
    pub tokens: Vec<TokenEntry>,
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What happened, in a sentence.
    pub error: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
