//! The asking side of sync, for one peer: which question comes next, from what the peer has told
//! and what is here by then. It holds no records and does no I/O but reading the store.

use std::collections::BTreeMap;

use certmesh_wire::limits::{SYNC_ANSWER_BUDGET, SYNC_FETCHED, SYNC_PLACES};
use certmesh_wire::{
    CodecFault, DocumentId, Frontier, FrontierEntry, LogId, MemberCode, Place, SyncAnswer, SyncRequest,
};

use super::search::Search;
use super::{frontier, missing_bodies};
use crate::forks::unsettled;
use crate::layout;
use crate::membership::Membership;
use crate::settle::unreached;
use crate::store::{Store, StoreError};

/// An answer that can't be used: the peer is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SyncFault {
    /// Not an answer's encoding.
    #[error("an answer that can't be decoded: {0}")]
    Codec(#[from] CodecFault),
    /// An answer to another question.
    #[error("an answer to another question than the one that was asked")]
    Unasked,
}

/// What an answer brought, to go through the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brought {
    /// Nothing that has to go anywhere.
    Nothing,
    /// Word of how far the peer is: see [`Session::told`].
    Word,
    /// Records, in order within each log.
    Records(Vec<Vec<u8>>),
    /// Bodies with their places.
    Bodies(Vec<(LogId, u64, Vec<u8>)>),
    /// Proofs of forks.
    Forks(Vec<[Vec<u8>; 2]>),
    /// Rosters and manifests.
    Documents(Vec<Vec<u8>>),
}

/// Asks one peer, round by round.
#[derive(Debug)]
pub struct Session {
    member: MemberCode,
    /// What the peer told last of how far it is; kept between rounds.
    told: Option<Frontier>,
    /// This node's frontier, as it was compared last.
    mine: Frontier,
    /// What was asked last, and waits for its answer.
    asked: Option<SyncRequest>,
    stage: Stage,
    /// Whether the peer had the same rosters and manifests when it was asked last.
    agrees: bool,
}

#[derive(Debug)]
enum Stage {
    /// Which rosters and manifests there are is to be compared: what follows depends on them.
    Documents,
    /// Rosters and manifests are fetched: those that the peer has and this node had not.
    Fetch(Vec<DocumentId>),
    /// Frontiers are to be compared.
    Compare,
    /// Records are fetched; for each log, the place that was asked for last.
    Records(BTreeMap<LogId, u64>),
    /// The proofs of forks that the peer knows and this node does not; whether they were asked for.
    Forks(bool),
    /// The logs in which the peer has other records than this node; the first one is looked into.
    Search(Vec<Search>),
    /// Bodies are fetched; for each log, the place below which this round has not asked yet.
    Bodies(BTreeMap<LogId, u64>),
    /// The round is over.
    Over,
}

impl Session {
    /// A session with a node of this member, at the start of a round.
    pub fn new(member: MemberCode) -> Self {
        Self {
            member,
            told: None,
            mine: Frontier::default(),
            asked: None,
            stage: Stage::Documents,
            agrees: false,
        }
    }

    /// Begins another round. An answer that is still on its way will not be taken.
    pub fn begin(&mut self) {
        self.asked = None;
        self.stage = Stage::Documents;
    }

    /// Whether the peer had the same rosters and manifests as this node when it was asked last.
    pub fn agrees(&self) -> bool {
        self.agrees
    }

    /// Whether the next question may ask for more than word of how far the peer is.
    pub fn is_fetching(&self) -> bool {
        !matches!(self.stage, Stage::Documents | Stage::Fetch(_) | Stage::Compare | Stage::Over)
    }

    /// Whether the peer lacked, when it told last, what was here when this round began.
    pub fn is_peer_behind(&self) -> bool {
        let Some(told) = &self.told else { return false };
        let lacks = |mine: &FrontierEntry| match told.log(mine.log) {
            Some(theirs) => theirs.bodies.min(theirs.next) < mine.bodies.min(mine.next),
            None => mine.next > 0,
        };
        self.mine.entries().iter().any(lacks)
    }

    /// What the peer told last.
    pub fn told(&self) -> Option<&Frontier> {
        self.told.as_ref()
    }

    /// The next question, or `None` when this round is over.
    pub fn next(
        &mut self,
        store: &dyn Store,
        membership: &Membership,
    ) -> Result<Option<SyncRequest>, StoreError> {
        self.asked = self.question(store, membership)?;
        Ok(self.asked.clone())
    }

    fn question(
        &mut self,
        store: &dyn Store,
        membership: &Membership,
    ) -> Result<Option<SyncRequest>, StoreError> {
        if matches!(self.stage, Stage::Documents) {
            return Ok(Some(SyncRequest::Documents(membership.documents().digest())));
        }
        if let Stage::Fetch(theirs) = &mut self.stage {
            let mine = membership.documents().ids();
            theirs.retain(|id| !mine.contains(id));
            if !theirs.is_empty() {
                let part = theirs.drain(..theirs.len().min(SYNC_FETCHED)).collect();
                return Ok(Some(SyncRequest::Fetch(part)));
            }
            self.stage = Stage::Compare;
        }
        if matches!(self.stage, Stage::Compare) {
            self.mine = frontier(store, membership, self.member)?;
            return Ok(Some(SyncRequest::Compare(self.mine.digest())));
        }
        if let Stage::Records(asked) = &mut self.stage {
            let told = self.told.as_ref();
            let wanted = wanted_records(store, membership, told, asked)?;
            if !wanted.is_empty() {
                return Ok(Some(SyncRequest::Records(wanted)));
            }
            self.stage = Stage::Forks(false);
        }
        if let Stage::Forks(asked) = self.stage {
            let unknown = unknown_forks(store, membership, self.told.as_ref())?;
            if !asked && !unknown.is_empty() {
                self.stage = Stage::Forks(true);
                return Ok(Some(SyncRequest::Forks(unknown)));
            }
            self.stage = Stage::Search(Search::all(store, self.told.as_ref())?);
        }
        if let Stage::Search(searches) = &mut self.stage {
            while let Some(search) = searches.last_mut() {
                match search.question(store)? {
                    Some(question) => return Ok(Some(question)),
                    None => drop(searches.pop()),
                }
            }
            self.stage = Stage::Bodies(BTreeMap::new());
        }
        if let Stage::Bodies(below) = &mut self.stage {
            let wanted = wanted_bodies(store, self.told.as_ref(), below)?;
            if !wanted.is_empty() {
                return Ok(Some(SyncRequest::Bodies(wanted)));
            }
            self.stage = Stage::Over;
        }
        Ok(None)
    }

    /// Takes the answer to the last question; what it brought has to go through the door, and to be
    /// committed, before the next question.
    pub fn take(&mut self, answer: SyncAnswer) -> Result<Brought, SyncFault> {
        match (self.asked.take(), answer) {
            (Some(SyncRequest::Documents(_)), SyncAnswer::Same) => {
                (self.agrees, self.stage) = (true, Stage::Compare);
                Ok(Brought::Nothing)
            }
            (Some(SyncRequest::Documents(_)), SyncAnswer::DocumentIds(ids)) => {
                (self.agrees, self.stage) = (false, Stage::Fetch(ids));
                Ok(Brought::Nothing)
            }
            (Some(SyncRequest::Fetch(ids)), SyncAnswer::Documents(documents))
                if documents.len() <= ids.len() =>
            {
                if documents.is_empty() {
                    // Whoever has named what it does not give names no more of it.
                    self.stage = Stage::Compare;
                }
                Ok(Brought::Documents(documents))
            }
            (Some(SyncRequest::Compare(_)), SyncAnswer::Same) => {
                self.told = Some(self.mine.clone());
                self.stage = Stage::Over;
                Ok(Brought::Word)
            }
            (Some(SyncRequest::Compare(_)), SyncAnswer::Frontier(frontier)) => {
                self.told = Some(frontier);
                self.stage = Stage::Records(BTreeMap::new());
                Ok(Brought::Word)
            }
            (Some(SyncRequest::Records(_)), SyncAnswer::Records(records, _)) => Ok(Brought::Records(records)),
            (Some(SyncRequest::Bodies(places)), SyncAnswer::Bodies(bodies)) => {
                let brought: Vec<_> = bodies.iter().map(|(log, seq, _)| (*log, *seq)).collect();
                let covered = covered(&places, &brought, &bodies).ok_or(SyncFault::Unasked)?;
                if let Stage::Bodies(below) = &mut self.stage {
                    below.extend(places[..covered].iter().copied());
                }
                Ok(Brought::Bodies(bodies))
            }
            (Some(SyncRequest::Ids(places)), SyncAnswer::Ids(ids)) if ids.len() == places.len() => {
                if let Stage::Search(searches) = &mut self.stage
                    && let Some(search) = searches.last_mut()
                {
                    search.theirs = places.iter().map(|(_, seq)| *seq).zip(ids).collect();
                }
                Ok(Brought::Records(Vec::new()))
            }
            (Some(SyncRequest::Forks(logs)), SyncAnswer::Forks(proofs)) if proofs.len() <= logs.len() => {
                Ok(Brought::Forks(proofs))
            }
            _ => Err(SyncFault::Unasked),
        }
    }
}

/// Logs of which the peer knows a fork that is lower than any known here.
fn unknown_forks(
    store: &dyn Store,
    membership: &Membership,
    told: Option<&Frontier>,
) -> Result<Vec<LogId>, StoreError> {
    let known = unsettled(store, membership)?;
    let is_new = |entry: &&FrontierEntry| {
        let here = known.get(&entry.log).map_or(u64::MAX, |fork| fork.seq);
        let settled = membership.checkpoint(entry.log).map_or(0, |at| at.seq.saturating_add(1));
        entry.fork.is_some_and(|fork| (settled..here).contains(&fork)) && membership.log(entry.log).is_some()
    };
    Ok(told.map_or(&[][..], Frontier::entries).iter().filter(is_new).map(|entry| entry.log).collect())
}

/// The logs in which the peer is ahead, each from where this node stands; without those where
/// asking from the same place has brought nothing on before.
fn wanted_records(
    store: &dyn Store,
    membership: &Membership,
    told: Option<&Frontier>,
    asked: &mut BTreeMap<LogId, u64>,
) -> Result<Vec<Place>, StoreError> {
    let (logs, forks) = (layout::read_logs(store)?, unsettled(store, membership)?);
    // Only who has got past a checkpoint can know the branch that leads there.
    let unreached: BTreeMap<_, _> = unreached(store, membership)?.into_iter().collect();
    let mut wanted = Vec::new();
    for entry in told.map_or(&[][..], Frontier::entries) {
        let next = logs.get(&entry.log).map_or(0, |state| state.next);
        let stuck = asked.get(&entry.log) == Some(&next)
            || forks.get(&entry.log).is_some_and(|fork| fork.seq <= next)
            || unreached.get(&entry.log).is_some_and(|at| entry.next <= at.seq);
        if entry.next > next && !stuck && membership.log(entry.log).is_some() {
            asked.insert(entry.log, next);
            wanted.push((entry.log, next));
        }
    }
    Ok(wanted)
}

/// How many of the places that were asked for an answer has dealt with, if it keeps their order and
/// brings none twice: all of them, unless its budget ended it.
fn covered(asked: &[Place], brought: &[Place], bodies: &[(LogId, u64, Vec<u8>)]) -> Option<usize> {
    let mut at = 0;
    for place in brought {
        at += asked[at..].iter().position(|asked| asked == place)? + 1;
    }
    let bytes: usize = bodies.iter().map(|(_, _, body)| body.len()).sum();
    Some(if bytes >= SYNC_ANSWER_BUDGET { at } else { asked.len() })
}

/// Bodies that are missing here and that the peer may have, the newest of each log first.
fn wanted_bodies(
    store: &dyn Store,
    told: Option<&Frontier>,
    below: &BTreeMap<LogId, u64>,
) -> Result<Vec<Place>, StoreError> {
    let logs = layout::read_logs(store)?;
    let entries = told.map_or(&[][..], Frontier::entries);
    let share = (SYNC_PLACES / entries.len().max(1)).max(1);
    let mut wanted = Vec::new();
    for entry in entries {
        if let Some(state) = logs.get(&entry.log) {
            let below = below.get(&entry.log).copied().unwrap_or(u64::MAX).min(entry.next);
            let missing = missing_bodies(store, state, below, share)?;
            wanted.extend(missing.into_iter().map(|seq| (entry.log, seq)));
        }
    }
    wanted.truncate(SYNC_PLACES);
    Ok(wanted)
}
