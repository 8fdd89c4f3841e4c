//! What an id comes to: the newest version of each publisher, and which versions readers are shown.
//!
//! If a member owns the object (`created_by_ref` is its identity in the roster, and it published that copy), only
//! owners' copies count, each owner's newest by itself. Otherwise each publisher's newest copy stands for that publisher,
//! and the winner among them is shown: unrevoked ones before revoked ones, those that claim to be newer than
//! their record can know last, then the newest, then the lowest SHA-256.
//!
//! It is a function of the copies alone, so that nodes which hold the same ones show the same.

use std::collections::BTreeSet;

use certmesh_wire::MemberCode;

use crate::layout::{Class, Fields, Version, decode_newest, encode_newest};
use crate::store::{Family, StoreError};

/// The state of one id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// By class and member, each once.
    newest: Vec<Version>,
    /// Arrivals of the versions that are shown: live ones, and such as revoke the object.
    pub(crate) shown: BTreeSet<u64>,
}

impl State {
    /// A count, as many times a mark (whether it is shown) and a version, then the arrivals of others that are shown.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut value = (self.newest.len() as u16).to_be_bytes().to_vec();
        let mut others = self.shown.clone();
        for version in &self.newest {
            value.push(u8::from(self.shown.contains(&version.arrival)));
            value.extend(encode_newest(version));
            others.remove(&version.arrival);
        }
        value.extend(others.into_iter().flat_map(u64::to_be_bytes));
        value
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, StoreError> {
        let mut fields = Fields { rest: value, family: Family::Index };
        let mut state = Self::default();
        for _ in 0..u16::from_be_bytes(fields.take()?) {
            let [shown] = fields.take()?;
            let version = decode_newest(&mut fields)?;
            if shown != 0 {
                state.shown.insert(version.arrival);
            }
            state.newest.push(version);
        }
        while !fields.rest.is_empty() {
            state.shown.insert(u64::from_be_bytes(fields.take()?));
        }
        Ok(state)
    }

    /// Whether nothing is left of the id.
    pub(crate) fn is_empty(&self) -> bool {
        self.newest.is_empty() && self.shown.is_empty()
    }

    pub(crate) fn newest(&self) -> &[Version] {
        &self.newest
    }

    fn place(&self, class: Class, member: MemberCode) -> Result<usize, usize> {
        self.newest.binary_search_by_key(&(class, member), |version| (version.class, version.member))
    }

    /// The newest version of a member that counts as `class`.
    pub(crate) fn newest_of(&self, class: Class, member: MemberCode) -> Option<&Version> {
        self.place(class, member).ok().map(|at| &self.newest[at])
    }

    /// Puts a version in the place of its member's newest; gives the one that stood there.
    pub(crate) fn set(&mut self, version: Version) -> Option<Version> {
        match self.place(version.class, version.member) {
            Ok(at) => Some(std::mem::replace(&mut self.newest[at], version)),
            Err(at) => {
                self.newest.insert(at, version);
                None
            }
        }
    }

    pub(crate) fn remove(&mut self, class: Class, member: MemberCode) {
        if let Ok(at) = self.place(class, member) {
            self.newest.remove(at);
        }
    }

    /// Whose copies count: its owners', or everyone's if it has none.
    pub(crate) fn counted_class(&self) -> Class {
        let is_owned = self.newest.iter().any(|version| version.class == Class::Owned);
        if is_owned { Class::Owned } else { Class::Foreign }
    }

    /// The newest version of each member whose copies count.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &Version> {
        let counted = self.counted_class();
        self.newest.iter().filter(move |version| version.class == counted)
    }

    /// The arrivals that are to be shown.
    pub(crate) fn outcome(&self) -> BTreeSet<u64> {
        if self.counted_class() == Class::Owned {
            return self.counted().map(|version| version.arrival).collect();
        }
        let winner = self.counted().max_by_key(|it| (!it.revoked, !it.ahead, it.rank()));
        winner.map(|version| version.arrival).into_iter().collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's own inputs")]
mod tests {
    use super::*;

    fn version(class: Class, member: &str, modified: i64, arrival: u64) -> Version {
        Version {
            class,
            member: member.parse().unwrap(),
            tlp: certmesh_intel::Tlp::Green,
            modified: Some(modified),
            sha256: [arrival as u8; 32],
            arrival,
            stamp: arrival,
            revoked: false,
            ahead: false,
        }
    }

    fn state(versions: &[Version]) -> State {
        let mut state = State::default();
        for version in versions {
            state.set(version.clone());
        }
        state
    }

    fn shown(versions: &[Version]) -> Vec<u64> {
        state(versions).outcome().into_iter().collect()
    }

    #[test]
    fn states_round_trip() {
        let mut versions = vec![version(Class::Foreign, "SG", 5, 1), version(Class::Owned, "MY", -5, 2)];
        versions[1].modified = None;
        (versions[0].stamp, versions[0].revoked, versions[1].ahead) = (9, true, true);
        let mut state = state(&versions);
        state.shown = BTreeSet::from([2, 77]);
        assert_eq!(State::decode(&state.encode()), Ok(state.clone()));
        assert!(State::decode(&state.encode()[1..]).is_err());
        assert_eq!(State::decode(&State::default().encode()), Ok(State::default()));
    }

    #[test]
    fn owners_come_before_everyone_and_stand_beside_each_other() {
        let theirs = [version(Class::Foreign, "SG", 9, 1), version(Class::Impostor, "VN", 99, 2)];
        let owned = version(Class::Owned, "MY", 1, 3);
        assert_eq!(shown(&theirs), [1]);
        assert_eq!(shown(&[theirs[0].clone(), theirs[1].clone(), owned.clone()]), [3]);
        assert_eq!(shown(&[owned, version(Class::Owned, "SG", 2, 4)]), [3, 4]);
        assert_eq!(shown(&theirs[1..]), [0_u64; 0]);
    }

    #[test]
    fn of_third_parties_copies_one_wins() {
        let (sg, my) = (version(Class::Foreign, "SG", 9, 1), version(Class::Foreign, "MY", 5, 2));
        assert_eq!(shown(&[sg.clone(), my.clone()]), [1]);
        assert_eq!(shown(&[Version { ahead: true, ..sg.clone() }, my.clone()]), [2]);
        assert_eq!(shown(&[Version { ahead: true, ..sg.clone() }]), [1], "better than nothing");
        assert_eq!(shown(&[Version { revoked: true, ..sg.clone() }, my.clone()]), [2]);
        let tie = Version { modified: Some(9), ..my };
        assert_eq!(shown(&[sg, tie]), [1], "the lower hash");
    }
}
