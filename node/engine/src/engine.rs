//! The engine: what a node knows of its mesh and its logs, and how it is opened from a store.

use std::collections::BTreeMap;
use std::sync::Arc;

use certmesh_wire::{Audience, LogId, MemberCode, NodeId, NodeState, Opening, Record, SecretKey};

use crate::commit::Steps;
use crate::forks::{self, Fork};
use crate::index::rebuild;
use crate::index::{Ledger, Owners, Writing};
use crate::layout::{self, LogState};
use crate::limits::PARK_AHEAD;
use crate::membership::Membership;
use crate::parked::Parked;
use crate::quota::Quotas;
use crate::refusal::Refusal;
use crate::settle::{Branch, to_take_back};
use crate::signing::{Signing, StopNote};
use crate::store::{Family, Readable, Store, StoreError};
use crate::tokens::Tokens;
use crate::verify::Prechecked;
use crate::views::KnownValues;
use crate::withdraw::Pending;

/// Why an engine can't be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// The node's key is on no manifest.
    #[error("no manifest at hand names this node's key {0}")]
    Unnamed(NodeId),
    /// The node's key is on a manifest, and may not be used any more.
    #[error("the manifest of {0} says that this node's key is no longer in use")]
    NotLive(MemberCode),
    /// The index is of another version of this program, or not whole.
    #[error("the index of this store has to be rebuilt before the store can be used")]
    Index,
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The rules at work on one node's logs.
///
/// It runs ahead of the store by what is in the current [`Steps`](crate::Steps): after a commit
/// that failed, open it anew from the store.
pub struct Engine {
    pub(crate) membership: Arc<Membership>,
    pub(crate) key: SecretKey,
    /// Whose node this is, for as long as it runs.
    pub(crate) member: MemberCode,
    pub(crate) logs: BTreeMap<LogId, LogState>,
    pub(crate) ledger: Ledger,
    /// Whether the store says which index it has.
    is_index_noted: bool,
    /// Records whose objects are not all indexed, by log number and seq, and the first object that is not.
    pub(crate) unindexed: BTreeMap<(u32, u64), u32>,
    /// Identities whose objects are to be judged again, and from which arrival on.
    pub(crate) rejudged: BTreeMap<String, u64>,
    pub(crate) parked: Parked,
    pub(crate) signing: Signing,
    /// Whether some log goes further than the membership lets it, as documents came while the node was
    /// not running.
    pub(crate) is_unapplied: bool,
    /// What is to be withdrawn of each log.
    pub(crate) pending: BTreeMap<LogId, Pending>,
    /// Logs that a checkpoint has made valid again, from this node's own disk.
    pub(crate) to_take_back: BTreeMap<LogId, Branch>,
    pub(crate) quotas: Quotas,
    /// The place of each log's lowest fork that is not settled.
    pub(crate) forks: BTreeMap<LogId, u64>,
    /// Forks that are found and not yet written: the lowest of each log.
    pub(crate) found_forks: BTreeMap<LogId, Fork>,
    pub(crate) tokens: Arc<Tokens>,
}

impl Engine {
    /// The engine of the node with this key, on what `store` holds. `note` is that of its last clean
    /// stop, if there is one; the caller has made sure that no later start will find it.
    pub fn open(
        membership: Arc<Membership>,
        key: SecretKey,
        store: &dyn Store,
        note: Option<&StopNote>,
    ) -> Result<Self, OpenFault> {
        let me = key.node_id();
        let node = membership.node(me).ok_or(OpenFault::Unnamed(me))?;
        if node.state != NodeState::Live {
            return Err(OpenFault::NotLive(node.member));
        }
        let member = node.member;
        let logs = layout::read_logs(store)?;
        let noted = rebuild::read_index(store)?;
        if !rebuild::is_whole(store)? {
            return Err(OpenFault::Index);
        }
        let owners = match store.get(Family::Meta, layout::OWNERS)? {
            Some(owners) => Owners::decode(&owners)?,
            None => Owners::of(membership.roster()),
        };
        let ledger = Ledger::open(store, owners)?;
        let forks = forks::unsettled(store, &membership)?;
        let forks = forks.into_values().map(|fork| (fork.log, fork.seq)).collect();
        let mut engine = Self {
            membership,
            key,
            member,
            logs,
            ledger,
            is_index_noted: noted.is_some(),
            unindexed: layout::read_unindexed(store)?,
            rejudged: layout::read_rejudged(store)?,
            parked: Parked::default(),
            signing: Signing::Free,
            is_unapplied: false,
            pending: layout::read_pending(store)?,
            to_take_back: BTreeMap::new(),
            quotas: Quotas::default(),
            forks,
            found_forks: BTreeMap::new(),
            tokens: Arc::new(Tokens::read(store)?),
        };
        engine.signing = Signing::at_start(&engine, note);
        engine.to_take_back = to_take_back(&engine, store)?;
        engine.is_unapplied = !engine.ends(store)?.is_empty() || engine.has_other_owners();
        Ok(engine)
    }

    pub(crate) fn put_log(&mut self, log: LogId, state: LogState, steps: &mut Steps) {
        steps.put(Family::Control, layout::log(&log), state.encode());
        self.logs.insert(log, state);
    }

    pub(crate) fn put_counts(&mut self, steps: &mut Steps) {
        steps.put(Family::Meta, layout::COUNTS.to_vec(), self.ledger.counts.encode());
        if !std::mem::replace(&mut self.is_index_noted, true) {
            steps.put(Family::Meta, layout::INDEX_OF.to_vec(), layout::INDEX.to_be_bytes().to_vec());
            steps.put(Family::Meta, layout::OWNERS.to_vec(), self.ledger.owners.encode());
        }
    }

    /// The index as `steps` change it.
    pub(crate) fn writing<'a>(
        &'a mut self,
        store: &'a dyn Store,
        now_ms: u64,
        steps: &'a mut Steps,
    ) -> Writing<'a> {
        Writing { store, ledger: &mut self.ledger, now_ms, steps }
    }

    /// What a filter in memory knows of the observables that were indexed since this engine was opened.
    pub fn known_values(&self) -> Arc<KnownValues> {
        Arc::clone(&self.ledger.known)
    }

    /// Keeps this filter up from here on, in the place of its own: one that was filled, or is being filled, or that an
    /// engine kept up which this one replaces.
    pub fn keep_up(&mut self, known: Arc<KnownValues>) {
        self.ledger.known = known;
    }

    /// The mesh that this engine serves.
    pub fn membership(&self) -> &Arc<Membership> {
        &self.membership
    }

    /// This node.
    pub fn node_id(&self) -> NodeId {
        self.key.node_id()
    }

    /// Whether this place lies at or beyond the log's lowest fork, or holds what is still to be
    /// withdrawn.
    pub(crate) fn is_disputed(&self, log: LogId, seq: u64) -> bool {
        let withdrawn = self.pending.get(&log).is_some_and(|part| seq >= part.from);
        withdrawn || self.forks.get(&log).is_some_and(|fork| seq >= *fork)
    }

    /// Whether a record is of a log for all members, or of none that is known here.
    pub fn is_for_all(&self, signed: &[u8]) -> bool {
        let log = Record::decode(signed).ok().and_then(|record| self.membership.log(record.header().log));
        log.is_none_or(|opening| opening.audience == Audience::All)
    }

    /// The log, if a manifest and an audience make it, and this node's member is in that audience.
    pub(crate) fn known_log(&self, log: LogId) -> Result<&Opening, Refusal> {
        match self.membership.log(log) {
            Some(opening) if opening.audience.includes(self.member) => Ok(opening),
            _ => Err(Refusal::UnknownLog(log)),
        }
    }

    /// Whether this record, and no other, is stored in its place. That it was there once is not enough:
    /// a branch that was withdrawn leaves its traces.
    pub(crate) fn is_in_place(&self, store: &dyn Store, record: &Record) -> Result<bool, StoreError> {
        let header = record.header();
        let Some(state) = self.logs.get(&header.log) else { return Ok(false) };
        let here = store.get(Family::Log, &layout::place(state.number, header.seq))?;
        Ok(here.is_some_and(|here| here == record.signed()))
    }

    /// The first step through the door: what the bytes and the state at hand can tell cheaply.
    pub fn precheck(&self, store: &dyn Store, signed: &[u8]) -> Result<Prechecked, Refusal> {
        let record = Record::decode(signed)?;
        let header = record.header();
        let opening = self.known_log(header.log)?;
        let next = self.logs.get(&header.log).map_or(0, |log| log.next);
        let id = record.id();
        if self.is_disputed(header.log, header.seq) {
            return Err(Refusal::Disputed { id, seq: header.seq });
        }
        if header.seq > next.saturating_add(PARK_AHEAD) {
            return Err(Refusal::Gap { id, seq: header.seq, next, parked: false });
        }
        if header.seq < next && self.is_in_place(store, &record)? {
            return Err(Refusal::Duplicate(id));
        }
        let node = opening.node;
        Ok(Prechecked::new(record, node, self.membership.mesh()))
    }
}

/// The last arrival that was ever given; 0 before the first.
pub fn last_arrival(store: &dyn Readable) -> Result<u64, StoreError> {
    let arrival = store.get(Family::Meta, layout::LAST_ARRIVAL)?;
    arrival.map_or(Ok(0), |bytes| layout::arrival_of(&bytes))
}
