//! Whether this node may sign: never one seq twice, not even after its disk was rolled back to a
//! backup, or its folder copied to a second machine.
//!
//! After a start a node signs only if a note of its last clean stop, kept outside its data folder,
//! says that its logs end where the store has them; or if enough other members have told it that
//! they know of nothing beyond. A note is used up by the start that reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use certmesh_wire::{Frontier, LogId, MemberCode, NodeId, RecordId};

use crate::commit::Steps;
use crate::engine::Engine;
use crate::store::{Store, StoreError};

/// How many other members have to confirm where a node's logs end; all of them, if there are fewer.
const CONFIRMATIONS: usize = 2;
/// The first line of a note.
const NOTE_HEADING: &str = "certmesh stopped cleanly 1";

/// Where a node's own logs ended when it stopped: seq that comes next, and last record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopNote(BTreeMap<LogId, (u64, RecordId)>);

impl StopNote {
    /// Reads the text of a note; anything else is no note.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next()? != NOTE_HEADING {
            return None;
        }
        let entry = |line: &str| {
            let mut words = line.split(' ');
            let log = words.next()?.parse().ok()?;
            let next = words.next()?.parse().ok()?;
            Some((log, (next, words.next()?.parse().ok()?)))
        };
        lines.map(entry).collect::<Option<_>>().map(Self)
    }

    /// The text to keep: a heading, and a line for each log.
    pub fn to_text(&self) -> String {
        let mut text = format!("{NOTE_HEADING}\n");
        for (log, (next, head)) in &self.0 {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{log} {next} {head}");
        }
        text
    }
}

/// Whether a node signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signing {
    /// It does.
    Free,
    /// It waits until enough other members have confirmed where its logs end.
    Waiting {
        /// Who has.
        confirmed: BTreeSet<MemberCode>,
        /// How many are needed.
        needed: usize,
    },
}

impl Signing {
    /// Free, if the note is there and right, or if there is nobody to ask.
    pub(crate) fn at_start(engine: &Engine, note: Option<&StopNote>) -> Self {
        let needed = engine.confirmations_needed();
        if needed == 0 || note == Some(&engine.own_ends()) {
            return Self::Free;
        }
        Self::Waiting { confirmed: BTreeSet::new(), needed }
    }
}

impl Engine {
    /// Whether this node signs.
    pub fn signing(&self) -> &Signing {
        &self.signing
    }

    /// Where this node's own logs end: to be kept outside the data folder after the last commit. Nothing
    /// while the node does not sign: it does not know where they end, and a note would say so for certain.
    pub fn stop_note(&self) -> Option<StopNote> {
        (self.signing == Signing::Free).then(|| self.own_ends())
    }

    fn own_ends(&self) -> StopNote {
        let mine = self.logs.iter().filter(|(log, _)| self.is_own(**log));
        StopNote(mine.map(|(log, state)| (*log, (state.next, state.head))).collect())
    }

    /// The operator vouches that nothing was signed that is not here, knowing the risk.
    pub fn vouch(&mut self) {
        self.signing = Signing::Free;
    }

    /// A node has told how far it is: that is a receipt for what it holds, and may confirm where this
    /// node's logs end. What is to be kept of it is in `steps`.
    pub fn told(
        &mut self,
        store: &dyn Store,
        by: NodeId,
        frontier: &Frontier,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<(), StoreError> {
        self.confirm(by, frontier);
        self.note_receipts(store, by, frontier, now_ms, steps)
    }

    /// If the node has this node's logs to their very ends, its member has confirmed where they end;
    /// a log that is empty here has to be unknown there.
    fn confirm(&mut self, by: NodeId, frontier: &Frontier) {
        let Some(member) = self.membership.member_of(by).map(|member| member.code) else { return };
        if self.signing == Signing::Free || self.member == member {
            return;
        }
        let theirs = frontier.entries().iter().filter(|entry| self.is_own(entry.log));
        let theirs: BTreeMap<_, _> =
            theirs.map(|entry| (entry.log, (entry.next, entry.head, entry.fork))).collect();
        let mine = self.logs.iter().filter(|(log, state)| state.next > 0 && self.is_own(**log));
        let mine: BTreeMap<_, _> = mine.map(|(log, state)| (*log, (state.next, state.head, None))).collect();
        if theirs != mine {
            return;
        }
        if let Signing::Waiting { confirmed, .. } = &mut self.signing {
            confirmed.insert(member);
        }
        self.recount_confirmations();
    }

    /// How many other members have to confirm: two, or all that have a node, if they are fewer. One at least, as long as
    /// there are others: their manifests may still be on their way.
    fn confirmations_needed(&self) -> usize {
        let others: BTreeSet<_> = self.membership.live_nodes().map(|(_, node)| node.member).collect();
        let with_nodes = others.iter().filter(|code| **code != self.member).count();
        let members = &self.membership.roster().members;
        let at_least = usize::from(members.iter().any(|member| member.code != self.member));
        with_nodes.clamp(at_least, CONFIRMATIONS)
    }

    /// Whoever has left confirms nothing, and is waited for no longer.
    pub(crate) fn recount_confirmations(&mut self) {
        let enough = self.confirmations_needed();
        let Signing::Waiting { confirmed, needed } = &mut self.signing else { return };
        let roster = self.membership.roster();
        confirmed.retain(|code| roster.member(*code).is_some());
        *needed = enough;
        if confirmed.len() >= enough {
            self.signing = Signing::Free;
        }
    }

    /// Whether this node writes a log. What its key may have signed as another member's is none of its own.
    fn is_own(&self, log: LogId) -> bool {
        let opening = self.membership.log(log);
        opening.is_some_and(|opening| (opening.member, opening.node) == (self.member, self.node_id()))
    }
}
