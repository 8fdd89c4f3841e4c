//! What this node knows of the others from its own experience: who is connected since when, and
//! what of theirs was taken or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use certmesh_engine::{Membership, Refusal};
use certmesh_wire::{MemberCode, NodeId};

use crate::clock::now_ms;

/// One other node.
#[derive(Debug, Clone)]
pub(crate) struct PeerEntry {
    pub(crate) member: MemberCode,
    pub(crate) cert: String,
    pub(crate) addresses: Vec<String>,
    pub(crate) connected: bool,
    /// When `connected` last changed, milliseconds since 1970 UTC.
    pub(crate) since_ms: Option<u64>,
    /// Records of it that were taken.
    pub(crate) received: u64,
    /// Records and messages of it that were refused.
    pub(crate) refused: u64,
    /// Its member's records that it brought faster than its share, and that were put off.
    pub(crate) delayed: u64,
    /// When that happened last, milliseconds since 1970 UTC.
    pub(crate) delayed_ms: Option<u64>,
    /// How often it was hung up on because it went on sending what can't be taken.
    pub(crate) hung_up: u64,
    /// When that happened last, milliseconds since 1970 UTC.
    pub(crate) hung_up_ms: Option<u64>,
    /// When it told last how far it is, milliseconds since 1970 UTC.
    pub(crate) told_ms: Option<u64>,
    /// Whether it had the same rosters and manifests as this node when it was asked last.
    pub(crate) agrees: bool,
}

impl PeerEntry {
    fn unknown(member: MemberCode) -> Self {
        Self {
            member,
            cert: String::new(),
            addresses: Vec::new(),
            connected: false,
            since_ms: None,
            received: 0,
            refused: 0,
            delayed: 0,
            delayed_ms: None,
            hung_up: 0,
            hung_up_ms: None,
            told_ms: None,
            agrees: false,
        }
    }
}

/// The other live nodes of the mesh, and counts of what was refused from any of them.
#[derive(Debug)]
pub(crate) struct PeerBook {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// When this node started, milliseconds since 1970 UTC.
    began_ms: u64,
    /// When the mesh changed last, milliseconds since 1970 UTC.
    changed_ms: u64,
    /// Whose node this is.
    own: Option<MemberCode>,
    peers: BTreeMap<NodeId, PeerEntry>,
    refused: BTreeMap<&'static str, u64>,
}

impl PeerBook {
    /// All live nodes but this one, none of them connected.
    pub(crate) fn new(membership: &Membership, me: NodeId) -> Self {
        let book = Self {
            inner: Mutex::new(Inner {
                began_ms: now_ms(),
                changed_ms: 0,
                own: None,
                peers: BTreeMap::new(),
                refused: BTreeMap::new(),
            }),
        };
        book.follow(membership, me);
        book
    }

    /// The mesh is another: who has come or gone, and who can be reached elsewhere. What is known of
    /// those that stay is kept.
    pub(crate) fn follow(&self, membership: &Membership, me: NodeId) {
        let mut inner = self.lock();
        inner.changed_ms = now_ms();
        inner.own = membership.node(me).map(|node| node.member);
        let mut before = std::mem::take(&mut inner.peers);
        for (id, node) in membership.live_nodes().filter(|(id, _)| *id != me) {
            let mut peer = before.remove(&id).unwrap_or_else(|| PeerEntry::unknown(node.member));
            let member = membership.roster().member(node.member);
            peer.cert = member.map_or_else(String::new, |member| member.cert.clone());
            peer.addresses.clone_from(&node.addresses);
            peer.agrees = false;
            inner.peers.insert(id, peer);
        }
    }

    /// Whether a node had the same rosters and manifests as this one when it was asked last.
    pub(crate) fn set_agrees(&self, node: NodeId, agrees: bool) {
        if let Some(peer) = self.lock().peers.get_mut(&node) {
            peer.agrees = agrees;
        }
    }

    /// How many other members have the same rosters and manifests, by some node of theirs; how many others
    /// there are; and since when, in milliseconds since 1970 UTC, they could have said so.
    pub(crate) fn agreeing(&self) -> (usize, usize, u64) {
        let inner = self.lock();
        let members = |agrees: bool| {
            let others = inner.peers.values().filter(|peer| Some(peer.member) != inner.own);
            let peers = others.filter(|peer| peer.agrees || !agrees);
            peers.map(|peer| peer.member).collect::<BTreeSet<_>>().len()
        };
        (members(true), members(false), inner.changed_ms)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where each node can be reached.
    pub(crate) fn addresses(&self) -> BTreeMap<NodeId, Vec<String>> {
        self.lock().peers.iter().map(|(id, peer)| (*id, peer.addresses.clone())).collect()
    }

    /// Since when none of them is connected, milliseconds since 1970 UTC; nothing, while one is, or where there are
    /// no others.
    pub(crate) fn cut_off_since(&self) -> Option<u64> {
        let inner = self.lock();
        if inner.peers.values().any(|peer| peer.connected) {
            return None;
        }
        let since = inner.peers.values().map(|peer| peer.since_ms.unwrap_or(inner.began_ms));
        since.max()
    }

    /// All of them, sorted by member and then key.
    pub(crate) fn all(&self) -> Vec<(NodeId, PeerEntry)> {
        let mut all: Vec<_> = self.lock().peers.iter().map(|(id, peer)| (*id, peer.clone())).collect();
        all.sort_by_key(|(id, peer)| (peer.member, *id));
        all
    }

    /// How often what was refused, since the start.
    pub(crate) fn refused(&self) -> BTreeMap<&'static str, u64> {
        self.lock().refused.clone()
    }

    /// The name of a node for log lines: its member and the beginning of its key.
    pub(crate) fn name(&self, node: NodeId) -> String {
        let member = self.lock().peers.get(&node).map(|peer| peer.member);
        member.map_or_else(|| node.to_string(), |member| format!("{member}/{}", node.short()))
    }

    pub(crate) fn set_connected(&self, node: NodeId, connected: bool, now_ms: u64) {
        if let Some(peer) = self.lock().peers.get_mut(&node)
            && peer.connected != connected
        {
            peer.connected = connected;
            peer.since_ms = Some(now_ms);
        }
    }

    pub(crate) fn count_received(&self, node: NodeId) {
        if let Some(peer) = self.lock().peers.get_mut(&node) {
            peer.received += 1;
        }
    }

    /// Counts a refusal and says it to the operator, ever more rarely if the same peer goes on.
    pub(crate) fn refuse(&self, node: NodeId, reason: &'static str, why: &dyn std::fmt::Display) {
        let count = {
            let mut inner = self.lock();
            *inner.refused.entry(reason).or_default() += 1;
            inner.peers.get_mut(&node).map_or(1, |peer| {
                peer.refused += 1;
                peer.refused
            })
        };
        if count.is_power_of_two() {
            let from = self.name(node);
            tracing::warn!(%from, reason, refused_from_it = count, "refused: {why}");
        }
    }

    /// A node is hung up on because it goes on sending what can't be taken. Rests between two of these
    /// grow, so each is worth a line.
    pub(crate) fn note_hang_up(&self, node: NodeId, now_ms: u64) {
        if let Some(peer) = self.lock().peers.get_mut(&node) {
            peer.hung_up += 1;
            peer.hung_up_ms = Some(now_ms);
        }
        tracing::warn!(from = %self.name(node), "hung up on: it goes on sending what can't be taken");
    }

    /// A node has told how far it is.
    pub(crate) fn told(&self, node: NodeId, now_ms: u64) {
        if let Some(peer) = self.lock().peers.get_mut(&node) {
            peer.told_ms = Some(now_ms);
        }
    }

    /// Counts a record that was put off, and names its member to the operator, ever more rarely.
    fn delay(&self, node: NodeId, member: MemberCode) {
        let delayed = self.lock().peers.get_mut(&node).map_or(0, |peer| {
            peer.delayed_ms = Some(now_ms());
            peer.delayed += 1;
            peer.delayed
        });
        if delayed.is_power_of_two() {
            tracing::warn!(%member, from = %self.name(node), delayed, "records are put off: {member} sends more than its share");
        }
    }

    /// Counts a refused record, unless it is part of ordinary gossip.
    pub(crate) fn refuse_record(&self, node: NodeId, refusal: &Refusal) {
        if let Refusal::OverRate { member, .. } = refusal {
            self.delay(node, *member);
        } else if refusal.is_ordinary() {
            tracing::debug!(from = %self.name(node), "{refusal}");
        } else {
            self.refuse(node, refusal.reason(), refusal);
        }
    }
}
