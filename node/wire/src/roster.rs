//! The roster: who is in the mesh. A versioned, hash-chained document with the members' signatures.
//!
//! This file is what a document says, and when it contradicts itself. `signed` is a document with the
//! signatures on it, `succession` how a version follows another, `pin` what is kept of whoever leaves.

mod fault;
mod pin;
mod signed;
mod succession;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::audience::{Audience, MemberCode};
use crate::ids::{DocumentId, MeshId, RootKey};
use crate::limits::{AUDIENCE_MEMBERS, GROUPS, MEMBERS, TEXT_BYTES};

pub use self::fault::RosterFault;
pub use self::pin::Pin;
pub use self::signed::SignedRoster;
pub use self::succession::threshold;

const FORMAT: u8 = 1;
const AAD: &[u8] = b"certmesh/roster/1";

/// A member state's CERT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "MemberFields", into = "MemberFields")]
pub struct Member {
    /// ISO 3166 alpha-2.
    pub code: MemberCode,
    /// The CERT's name, for people.
    pub cert: String,
    /// The STIX identity that owns what the member publishes, `identity--` and a UUID.
    pub identity: String,
    /// Signs rosters and the member's manifests; kept offline.
    pub root_key: RootKey,
}

#[derive(Serialize, Deserialize)]
struct MemberFields(MemberCode, String, String, RootKey);

impl From<MemberFields> for Member {
    fn from(fields: MemberFields) -> Self {
        Self { code: fields.0, cert: fields.1, identity: fields.2, root_key: fields.3 }
    }
}

impl From<Member> for MemberFields {
    fn from(member: Member) -> Self {
        Self(member.code, member.cert, member.identity, member.root_key)
    }
}

/// A named set of members that may share logs of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, Vec<MemberCode>)", into = "(String, Vec<MemberCode>)")]
pub struct Group {
    /// Unique in the roster.
    pub name: String,
    /// Sorted, each once.
    pub members: Vec<MemberCode>,
}

impl From<(String, Vec<MemberCode>)> for Group {
    fn from((name, members): (String, Vec<MemberCode>)) -> Self {
        Self { name, members }
    }
}

impl From<Group> for (String, Vec<MemberCode>) {
    fn from(group: Group) -> Self {
        (group.name, group.members)
    }
}

/// What one member or log may use. Every node stops a log at the same seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, u64)", into = "(u64, u64, u64)")]
pub struct RosterLimits {
    /// Live nodes of one member.
    pub live_nodes: u64,
    /// Records of one log, in all its life.
    pub log_records: u64,
    /// Signed bytes and bodies, compressed and not, of one log, in all its life.
    pub log_bytes: u64,
}

impl Default for RosterLimits {
    fn default() -> Self {
        Self { live_nodes: 16, log_records: 10_000_000, log_bytes: 1 << 36 }
    }
}

impl From<(u64, u64, u64)> for RosterLimits {
    fn from((live_nodes, log_records, log_bytes): (u64, u64, u64)) -> Self {
        Self { live_nodes, log_records, log_bytes }
    }
}

impl From<RosterLimits> for (u64, u64, u64) {
    fn from(limits: RosterLimits) -> Self {
        (limits.live_nodes, limits.log_records, limits.log_bytes)
    }
}

/// One version of the roster, as its document says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// From 0.
    pub version: u64,
    /// The round of signing for this version, from 0; a higher round withdraws a lower one.
    pub round: u64,
    /// The document of the version before; absent at version 0 alone.
    pub prev: Option<DocumentId>,
    /// The mesh's name, for people.
    pub name: String,
    /// Whether everything in this mesh is an exercise.
    pub exercise: bool,
    /// When nodes begin to warn that it needs renewal, milliseconds since 1970 UTC.
    pub expires_ms: u64,
    /// Sorted by code, each once; at least one.
    pub members: Vec<Member>,
    /// Sorted by name, each once.
    pub groups: Vec<Group>,
    /// What members and logs may use.
    pub limits: RosterLimits,
    /// Of members that left or changed their root key; sorted by member, each once.
    pub pins: Vec<Pin>,
}

#[derive(Serialize, Deserialize)]
struct RosterFields(
    u8,
    u64,
    u64,
    Option<DocumentId>,
    Option<MeshId>,
    String,
    bool,
    u64,
    Vec<Member>,
    Vec<Group>,
    RosterLimits,
    Vec<Pin>,
);

impl Roster {
    /// The member with this code.
    pub fn member(&self, code: MemberCode) -> Option<&Member> {
        self.members.binary_search_by_key(&code, |member| member.code).ok().map(|at| &self.members[at])
    }

    /// The pin of this member, if it was removed or had another root key.
    pub fn pin(&self, code: MemberCode) -> Option<&Pin> {
        self.pins.binary_search_by_key(&code, |pin| pin.member).ok().map(|at| &self.pins[at])
    }

    /// The member whose root key this is.
    fn holder(&self, key: RootKey) -> Result<MemberCode, RosterFault> {
        let holder = self.members.iter().find(|member| member.root_key == key);
        holder.map(|member| member.code).ok_or(RosterFault::NotAMember(key))
    }

    /// Whether a log may be for this audience: everyone, or exactly one of the groups.
    pub fn names_audience(&self, audience: &Audience) -> bool {
        match audience {
            Audience::All => true,
            Audience::Members(members) => self.groups.iter().any(|group| group.members == *members),
        }
    }

    fn check(&self) -> Result<(), RosterFault> {
        let fault = |what: String| Err(RosterFault::Document(what));
        if (self.version == 0) != self.prev.is_none() {
            return fault("version 0, and it alone, has no predecessor".into());
        }
        if self.members.is_empty() || self.members.len() > MEMBERS || self.groups.len() > GROUPS {
            return fault(format!("1 to {MEMBERS} members and at most {GROUPS} groups"));
        }
        if !rises(self.members.iter().map(|member| member.code)) {
            return fault("members out of order, or one twice".into());
        }
        if self.members.iter().map(|member| member.root_key).collect::<BTreeSet<_>>().len()
            != self.members.len()
        {
            return fault("two members with one root key".into());
        }
        if !rises(self.groups.iter().map(|group| &group.name)) {
            return fault("groups out of order, or one twice".into());
        }
        for group in &self.groups {
            let known = group.members.iter().all(|code| self.member(*code).is_some());
            if !known || !rises(&group.members) || !(1..=AUDIENCE_MEMBERS).contains(&group.members.len()) {
                return fault("a group of nobody, of strangers, or out of order".into());
            }
        }
        let texts = self.members.iter().flat_map(|member| [&member.cert, &member.identity]);
        let texts = texts.chain(self.groups.iter().map(|group| &group.name)).chain([&self.name]);
        match texts.into_iter().all(|text| sound_text(text)) {
            true => pin::check(self),
            false => fault(format!("a name that is empty or longer than {TEXT_BYTES} bytes")),
        }
    }
}

fn sound_text(text: &str) -> bool {
    (1..=TEXT_BYTES).contains(&text.len())
}

/// Whether each item is greater than the one before it.
pub(crate) fn rises<T: Ord>(items: impl IntoIterator<Item = T>) -> bool {
    let mut items = items.into_iter();
    let Some(mut last) = items.next() else { return true };
    items.all(|item| std::mem::replace(&mut last, item) < last)
}
