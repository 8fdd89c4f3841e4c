//! Whose identities are in the roster: an object that claims one of them belongs to that member.

use std::collections::{BTreeMap, BTreeSet};

use certmesh_wire::{MemberCode, Roster};

use crate::layout::{Class, Fields, damaged};
use crate::store::{Family, StoreError};

/// The members with each identity, whose id is in lower case: UUIDs are the same in either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Owners(BTreeMap<String, BTreeSet<MemberCode>>);

impl Owners {
    pub(crate) fn of(roster: &Roster) -> Self {
        let mut owners = Self::default();
        for member in &roster.members {
            owners.0.entry(member.identity.to_ascii_lowercase()).or_default().insert(member.code);
        }
        owners
    }

    /// The members that have the identity which an object claims as its author.
    pub(crate) fn owners(&self, created_by: Option<&str>) -> Option<&BTreeSet<MemberCode>> {
        self.0.get(&created_by?.to_ascii_lowercase())
    }

    /// What a member's copy of an object with this author counts as.
    pub(crate) fn class(&self, created_by: Option<&str>, publisher: MemberCode) -> Class {
        match self.owners(created_by) {
            None => Class::Foreign,
            Some(owners) if owners.contains(&publisher) => Class::Owned,
            Some(_) => Class::Impostor,
        }
    }

    /// The identities that are others' here than there.
    pub(crate) fn changed(&self, other: &Self) -> BTreeSet<String> {
        let known = self.0.keys().chain(other.0.keys());
        known.filter(|identity| self.0.get(*identity) != other.0.get(*identity)).cloned().collect()
    }

    /// Each identity: its length, its text, and the codes of its members after their number.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut value = Vec::new();
        for (identity, members) in &self.0 {
            value.extend((identity.len() as u16).to_be_bytes());
            value.extend(identity.as_bytes());
            value.extend((members.len() as u16).to_be_bytes());
            value.extend(members.iter().flat_map(|member| member.bytes()));
        }
        value
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields { rest: value, family: Family::Meta };
        let mut owners = Self::default();
        while !fields.rest.is_empty() {
            let identity = fields.sized_text()?.to_owned();
            let count = u16::from_be_bytes(fields.take()?);
            let members = (0..count).map(|_| fields.member()).collect::<Result<_, _>>()?;
            if owners.0.insert(identity, members).is_some() {
                return Err(damaged("an identity stands twice among the owners"));
            }
        }
        Ok(owners)
    }
}
