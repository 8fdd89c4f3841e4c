//! A node's rounds of questions, one at a time with each connected peer, as `node/src/sync.rs` runs them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use certmesh_engine::limits::{PULL_RECORDS, PULL_RECORDS_BURST};
use certmesh_engine::sync::{Brought, Session};
use certmesh_engine::{Document, Signing};
use certmesh_wire::{MemberCode, SyncAnswer};

use crate::life::effects::Effect;
use crate::life::taking::Taken;
use crate::life::{Around, Input, Life, as_store};
use crate::violation::End;

/// How often a peer is asked though nothing seems to be missing, on average, milliseconds.
pub(crate) const PERIOD_MS: u64 = 15_000;
/// How often, while this node does not sign yet, milliseconds.
const WAITING_PERIOD_MS: u64 = 500;
/// How long to leave a peer alone that broke off; twice as long each time that it does so again.
const BACK_OFF_MS: u64 = 2_000;
/// The longest that a peer is left alone, milliseconds.
pub(crate) const LONGEST_BACK_OFF_MS: u64 = 60_000;
/// How long a question and its answer may take, milliseconds.
pub(crate) const QUESTION_MS: u64 = 60_000;
/// The pause after a round that brought nothing, milliseconds.
const FRUITLESS_MS: u64 = 1_000;
/// The pause after a round that a rate has ended, milliseconds.
const OVER_RATE_MS: u64 = PULL_RECORDS_BURST * 1_000 / PULL_RECORDS;
/// How soon after a publication the peers are asked whether they have it, milliseconds.
const RECEIPT_DELAY_MS: u64 = 3_000;
/// Records given to the driver at once.
const PORTION: usize = 256;
/// Pulls of records and bodies under way at once; the nodes of one member get one of them.
const TURNS: usize = 3;

/// What is to be done once the driver has taken something.
pub(super) enum Asked {
    /// It gets the next portion.
    More(Input),
    /// The peer gets the next question.
    Question,
    /// A rate has ended the round.
    PutOff,
    /// Nobody waits for it any more.
    Nothing,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// Until it is woken; whether only time can wake it.
    Resting { deaf: bool, until: u64 },
    /// Waits for a turn to pull.
    Queued,
    /// A question is under way.
    Asking { pull: u64 },
    /// The driver takes what the answer brought.
    Taking,
}

#[derive(Debug)]
struct Peer {
    member: MemberCode,
    session: Session,
    stage: Stage,
    /// Which rest this is: an earlier one's end means nothing.
    token: u64,
    faults: u32,
    admitted: u64,
    put_off: bool,
    /// Rounds in a row at whose end the peer lacked something of this node's.
    behind: u32,
    nudged: bool,
    published: bool,
    portions: VecDeque<Input>,
}

/// The peers that a node is connected with, and whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    all: BTreeMap<usize, Peer>,
    /// Peers that records or bodies are pulled from.
    pulling: BTreeSet<usize>,
    queue: VecDeque<usize>,
    pulls: u64,
    tokens: u64,
}

impl Peers {
    /// The numbers of the connected peers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.all.keys().copied()
    }

    /// The driver has taken what it was given.
    pub(super) fn replied(&mut self, number: usize, taken: Taken) -> Asked {
        let Some(peer) = self.all.get_mut(&number).filter(|peer| peer.stage == Stage::Taking) else {
            return Asked::Nothing;
        };
        peer.admitted += taken.admitted;
        peer.put_off |= taken.put_off > 0;
        match peer.portions.pop_front() {
            Some(portion) => Asked::More(portion),
            None if peer.put_off => Asked::PutOff,
            None => Asked::Question,
        }
    }

    fn take_turn(&mut self, number: usize) -> bool {
        if self.pulling.contains(&number) {
            return true;
        }
        let member = self.all.get(&number).map(|peer| peer.member);
        let of = |number: &usize| self.all.get(number).map(|peer| peer.member);
        let free = self.pulling.len() < TURNS && !self.pulling.iter().any(|other| of(other) == member);
        if free {
            self.pulling.insert(number);
        }
        free
    }

    /// Gives a turn back; gives the peer that gets it.
    fn give_turn(&mut self, number: usize) -> Option<usize> {
        self.pulling.remove(&number);
        let waiting: Vec<_> = self.queue.iter().copied().collect();
        let next = waiting.into_iter().find(|waiting| self.take_turn(*waiting))?;
        self.queue.retain(|waiting| *waiting != next);
        Some(next)
    }
}

impl Life {
    /// A connection with a peer: it is asked at once.
    pub(crate) fn connected(&mut self, number: usize, around: &mut Around<'_>) -> Result<(), End> {
        let node = around.ids[number];
        let Some(member) = self.engine.membership().member_of(node).map(|member| member.code) else {
            return Ok(());
        };
        self.disconnected(number, around)?;
        let peer = Peer {
            member,
            session: Session::new(member),
            stage: Stage::Resting { deaf: false, until: 0 },
            token: 0,
            faults: 0,
            admitted: 0,
            put_off: false,
            behind: 0,
            nudged: false,
            published: false,
            portions: VecDeque::new(),
        };
        self.peers.all.insert(number, peer);
        self.begin(number, around)
    }

    /// The connection with a peer is gone.
    pub(crate) fn disconnected(&mut self, number: usize, around: &mut Around<'_>) -> Result<(), End> {
        self.peers.queue.retain(|waiting| *waiting != number);
        self.peers.all.remove(&number);
        self.release(number, around)
    }

    /// A rest has ended.
    pub(crate) fn woken(&mut self, number: usize, token: u64, around: &mut Around<'_>) -> Result<(), End> {
        let resting = |peer: &&mut Peer| peer.token == token && matches!(peer.stage, Stage::Resting { .. });
        match self.peers.all.get_mut(&number).filter(resting) {
            Some(_) => self.begin(number, around),
            None => Ok(()),
        }
    }

    fn begin(&mut self, number: usize, around: &mut Around<'_>) -> Result<(), End> {
        let Some(peer) = self.peers.all.get_mut(&number) else { return Ok(()) };
        peer.session.begin();
        (peer.admitted, peer.put_off, peer.nudged, peer.published) = (0, false, false, false);
        around.watch.tally.add("rounds of sync");
        self.ask(number, around)
    }

    /// The next question of a round, or its end.
    pub(super) fn ask(&mut self, number: usize, around: &mut Around<'_>) -> Result<(), End> {
        // Others may have their turn between two questions.
        self.release(number, around)?;
        let Some(peer) = self.peers.all.get_mut(&number) else { return Ok(()) };
        if peer.session.is_fetching() && !self.peers.take_turn(number) {
            self.peers.queue.push_back(number);
            self.set_stage(number, Stage::Queued);
            return Ok(());
        }
        self.ask_on(number, around)
    }

    fn ask_on(&mut self, number: usize, around: &mut Around<'_>) -> Result<(), End> {
        let membership = std::sync::Arc::clone(self.engine.membership());
        let Some(peer) = self.peers.all.get_mut(&number) else { return Ok(()) };
        match peer.session.next(as_store(around.store), &membership)? {
            Some(question) => {
                self.peers.pulls += 1;
                let pull = self.peers.pulls;
                peer.stage = Stage::Asking { pull };
                around.effects.push(Effect::Ask { peer: number, pull, bytes: question.encode() });
                Ok(())
            }
            None => self.end_round(number, around),
        }
    }

    fn end_round(&mut self, number: usize, around: &mut Around<'_>) -> Result<(), End> {
        let signs = *self.engine.signing() == Signing::Free;
        let period = match signs {
            true => around.chance.between(PERIOD_MS * 3 / 4, PERIOD_MS * 5 / 4),
            false => WAITING_PERIOD_MS,
        };
        if let Some(peer) = self.peers.all.get_mut(&number) {
            peer.faults = 0;
            peer.behind = if peer.session.is_peer_behind() { peer.behind + 1 } else { 0 };
            let soon = match peer.behind {
                0 => period,
                behind => period.min((RECEIPT_DELAY_MS << behind.min(5)) / 2),
            };
            let pause = if peer.admitted == 0 && signs { FRUITLESS_MS } else { 0 };
            let published = std::mem::take(&mut peer.published);
            let rest = match (peer.nudged, published) {
                (true, _) => 1,
                (false, true) => RECEIPT_DELAY_MS.min(soon),
                (false, false) => soon,
            };
            self.rest(number, pause + rest, pause, false, around);
        }
        self.release(number, around)
    }

    /// A rate has ended the round: the next one begins when there is room for more.
    pub(super) fn put_off(&mut self, number: usize, around: &mut Around<'_>) -> Result<(), End> {
        around.watch.tally.add("rounds ended by a rate");
        self.rest(number, OVER_RATE_MS, OVER_RATE_MS, true, around);
        self.release(number, around)
    }

    /// Leaves a peer alone for so long; within `pause` nothing wakes it.
    fn rest(&mut self, number: usize, after_ms: u64, pause: u64, deaf: bool, around: &mut Around<'_>) {
        self.peers.tokens += 1;
        let token = self.peers.tokens;
        if let Some(peer) = self.peers.all.get_mut(&number) {
            peer.token = token;
            peer.stage = Stage::Resting { deaf, until: around.watch.now + pause };
            around.effects.push(Effect::WakePeer { peer: number, token, after_ms });
        }
    }

    fn set_stage(&mut self, number: usize, stage: Stage) {
        if let Some(peer) = self.peers.all.get_mut(&number) {
            peer.stage = stage;
        }
    }

    /// Gives a turn back, and lets the next one have it.
    fn release(&mut self, number: usize, around: &mut Around<'_>) -> Result<(), End> {
        if !self.peers.pulling.contains(&number) {
            return Ok(());
        }
        match self.peers.give_turn(number) {
            Some(next) => self.ask_on(next, around),
            None => Ok(()),
        }
    }

    /// A peer seems to have what is missing here.
    pub(super) fn nudge(&mut self, number: usize, around: &mut Around<'_>) {
        let Some(peer) = self.peers.all.get_mut(&number) else { return };
        peer.nudged = true;
        if let Stage::Resting { deaf: false, until } = peer.stage {
            let after_ms = until.saturating_sub(around.watch.now) + 1;
            self.rest(number, after_ms, after_ms, true, around);
        }
    }

    /// Records of this node's own are durable: the peers are asked soon whether they have them.
    pub(super) fn published(&mut self, around: &mut Around<'_>) {
        let numbers: Vec<_> = self.peers.numbers().collect();
        for number in numbers {
            let Some(peer) = self.peers.all.get_mut(&number) else { continue };
            match peer.stage {
                Stage::Resting { deaf: false, .. } if !peer.published => {
                    peer.published = true;
                    self.rest(number, RECEIPT_DELAY_MS, 0, false, around);
                }
                Stage::Resting { .. } => {}
                _ => peer.published = true,
            }
        }
    }

    /// An answer has come; one to a question that nobody waits for any more means nothing.
    pub(crate) fn answered(
        &mut self,
        number: usize,
        pull: u64,
        bytes: &[u8],
        around: &mut Around<'_>,
    ) -> Result<(), End> {
        let waits = |peer: &&mut Peer| peer.stage == Stage::Asking { pull };
        let Some(peer) = self.peers.all.get_mut(&number).filter(waits) else { return Ok(()) };
        let taken = SyncAnswer::decode(bytes).map_err(|fault| fault.to_string());
        let brought = taken.and_then(|answer| peer.session.take(answer).map_err(|fault| fault.to_string()));
        match brought.and_then(|brought| portions(number, brought, &peer.session)) {
            Ok(portions) => {
                peer.stage = Stage::Taking;
                peer.portions = portions;
                match peer.portions.pop_front() {
                    Some(portion) => {
                        self.give(portion, around);
                        Ok(())
                    }
                    None => self.ask(number, around),
                }
            }
            Err(fault) => self.answered_wrongly(number, &fault, around),
        }
    }

    /// A peer has answered what can't be used, and no node that keeps the rules would say.
    pub(super) fn answered_wrongly(
        &mut self,
        number: usize,
        fault: &str,
        around: &mut Around<'_>,
    ) -> Result<(), End> {
        self.broken_off(number, around)?;
        Ok(around.hang_up(number, &format!("an answer to a pull: {fault}"))?)
    }

    /// No answer has come in time.
    pub(crate) fn timed_out(&mut self, number: usize, pull: u64, around: &mut Around<'_>) -> Result<(), End> {
        let waits = |peer: &&mut Peer| peer.stage == Stage::Asking { pull };
        if self.peers.all.get_mut(&number).filter(waits).is_none() {
            return Ok(());
        }
        around.watch.tally.add("questions timed out");
        self.broken_off(number, around)
    }

    fn broken_off(&mut self, number: usize, around: &mut Around<'_>) -> Result<(), End> {
        if let Some(peer) = self.peers.all.get_mut(&number) {
            peer.session = Session::new(peer.member);
            let back_off = (BACK_OFF_MS << peer.faults.min(5)).min(LONGEST_BACK_OFF_MS);
            peer.faults += 1;
            self.rest(number, back_off, back_off, true, around);
        }
        self.release(number, around)
    }
}

/// What an answer brought, as the driver gets it.
fn portions(from: usize, brought: Brought, session: &Session) -> Result<VecDeque<Input>, String> {
    Ok(match brought {
        Brought::Nothing => VecDeque::new(),
        Brought::Documents(documents) => {
            let documents: Result<Vec<_>, _> =
                documents.iter().map(|bytes| Document::decode_later(bytes)).collect();
            VecDeque::from([Input::Documents(Some(from), documents.map_err(|fault| fault.to_string())?)])
        }
        Brought::Word => session.told().map(|told| Input::Told(from, told.clone())).into_iter().collect(),
        Brought::Forks(proofs) => VecDeque::from([Input::Forks(from, proofs)]),
        Brought::Records(records) => {
            records.chunks(PORTION).map(|part| Input::Records(from, part.to_vec())).collect()
        }
        Brought::Bodies(bodies) => {
            bodies.chunks(PORTION).map(|part| Input::Bodies(from, part.to_vec())).collect()
        }
    })
}
