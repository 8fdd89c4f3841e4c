//! How a node takes what waits: through the engine's door, in the order in which it came.

use certmesh_engine::{DocumentFault, Origin, Refusal, Steps, Verdict};
use certmesh_wire::{Frontier, NodeState, Parcel, RecordId, SyncAnswer};

use crate::life::settling::Owed;
use crate::life::{Around, Input, Life, Receipt, as_store};
use crate::violation::End;

/// What became of what a peer sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Records or bodies that were admitted.
    pub(crate) admitted: u64,
    /// Records that were put off: their author sends more than its share.
    pub(crate) put_off: u64,
}

/// What is owed to the rounds of questions.
pub(super) type Replies = Vec<(usize, Taken)>;

impl Life {
    /// Takes what waits, as much as one commit holds, and settles it.
    pub(super) fn take_waiting(&mut self, around: &mut Around<'_>, replies: &mut Replies) -> Result<(), End> {
        let (mut steps, mut owed) = (Steps::default(), Owed::default());
        let (mut next, mut bulk) = (self.inbox.next(), false);
        while let Some(input) = next {
            bulk |= input.is_bulk();
            self.take(input, &mut steps, &mut owed, around, replies)?;
            // One bulk input a commit: whoever waits for something is taken in between.
            next = match () {
                () if steps.is_full() || self.stopping => None,
                () if bulk => self.inbox.next_live(),
                () => self.inbox.next(),
            };
        }
        self.settle(steps, owed, around, replies)
    }

    fn take(
        &mut self,
        input: Input,
        steps: &mut Steps,
        owed: &mut Owed,
        around: &mut Around<'_>,
        replies: &mut Replies,
    ) -> Result<(), End> {
        match input {
            Input::Publish(texts) => self.publish(&texts, steps, owed, around)?,
            Input::Gossip(receipt) => return self.gossip(receipt, steps, owed, around, replies),
            Input::Records(from, records) => self.begin_records(from, records, steps, around),
            Input::Bodies(from, bodies) => self.begin_bodies(from, bodies, 0, owed, around),
            Input::Documents(from, documents) => {
                let results = self.enter_documents(documents, steps, owed, around, replies)?;
                let wrong = results.iter().filter_map(|result| result.as_ref().err());
                let wrong = wrong.filter(|fault| fault.is_wrong()).map(DocumentFault::to_string).next();
                if let (Some(from), Some(fault)) = (from, wrong) {
                    return self.answered_wrongly(from, &fault, around);
                }
                let admitted = results.iter().filter(|result| **result == Ok(true)).count() as u64;
                owed.taken.extend(from.map(|from| (from, Taken { admitted, put_off: 0 })));
            }
            Input::Checked(checked) => return self.take_checked(*checked, steps, owed, around, replies),
            Input::Forks(from, proofs) => {
                let taken = proofs.iter().filter(|proof| self.engine.enter_fork(proof).is_ok());
                owed.taken.push((from, Taken { admitted: taken.count() as u64, put_off: 0 }));
            }
            Input::Told(from, frontier) => self.told(from, &frontier, steps, owed, around)?,
            Input::Stop => self.stopping = true,
        }
        Ok(())
    }

    fn publish(
        &mut self,
        texts: &[String],
        steps: &mut Steps,
        owed: &mut Owed,
        around: &mut Around<'_>,
    ) -> Result<(), End> {
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let me = self.engine.membership().node(self.engine.node_id());
        let is_live = me.is_some_and(|me| me.state == NodeState::Live);
        match self.engine.publish(as_store(around.store), &texts, around.clock_ms, steps) {
            Ok(record) if !is_live && around.is_honest() => {
                let what = format!("it signs record {record}");
                return Err(around.violation("a node that is in use no more signs nothing", what).into());
            }
            Ok(record) => owed.published.push(record),
            Err(_) => around.watch.tally.add("publications refused"),
        }
        Ok(())
    }

    fn told(
        &mut self,
        from: usize,
        frontier: &Frontier,
        steps: &mut Steps,
        owed: &mut Owed,
        around: &mut Around<'_>,
    ) -> Result<(), End> {
        let by = around.ids[from];
        self.engine.told(as_store(around.store), by, frontier, around.clock_ms, steps)?;
        owed.taken.push((from, Taken::default()));
        Ok(())
    }

    fn gossip(
        &mut self,
        receipt: Receipt,
        steps: &mut Steps,
        owed: &mut Owed,
        around: &mut Around<'_>,
        replies: &mut Replies,
    ) -> Result<(), End> {
        let from = receipt.from;
        let Ok(parcel) = Parcel::decode(&receipt.payload) else {
            if let Ok(SyncAnswer::Documents(documents)) = SyncAnswer::decode(&receipt.payload) {
                return self.gossiped_documents(&documents, receipt, steps, owed, around, replies);
            }
            self.blame(from, true, around)?;
            return Ok(around.judge(receipt, Verdict::Reject)?);
        };
        let bare = parcel.body().is_none();
        let result = self.enter(Origin::Gossip(around.ids[from]), vec![parcel], steps, around)?.pop();
        match result {
            Some(Ok(_)) => {
                owed.accepted.push(receipt);
                if bare {
                    owed.missing.push(from);
                }
            }
            Some(Err(refusal)) => {
                match refusal.parked() {
                    Some(id) => self.waiting.add(id, receipt, around.now()),
                    None => around.judge(receipt, refusal.verdict())?,
                }
                match refusal {
                    Refusal::Gap { .. } => owed.missing.push(from),
                    Refusal::OverRate { .. } => self.blame(from, false, around)?,
                    Refusal::UnknownLog(_) | Refusal::RosterAhead { .. } => owed.missing.push(from),
                    _ if refusal.verdict() == Verdict::Reject => self.blame(from, true, around)?,
                    _ => {}
                }
            }
            None => {}
        }
        Ok(())
    }

    /// Hangs up on a peer that goes on sending, unasked, what can't be taken.
    pub(super) fn blame(&mut self, from: usize, is_wrong: bool, around: &mut Around<'_>) -> Result<(), End> {
        if self.engine.blame(around.ids[from], is_wrong, around.clock_ms) {
            around.hang_up(from, "it goes on sending what can't be taken")?;
        }
        Ok(())
    }

    fn enter(
        &mut self,
        origin: Origin,
        parcels: Vec<Parcel>,
        steps: &mut Steps,
        around: &mut Around<'_>,
    ) -> Result<Vec<Result<RecordId, Refusal>>, End> {
        let (names, sent) = (around.verifier.names(&parcels), parcels.clone());
        let verifier = &mut *around.verifier;
        let verify = |candidates| verifier.verify(candidates, &names);
        let store = as_store(around.store);
        let results = self.engine.enter(store, origin, parcels, around.clock_ms, steps, verify);
        self.note_results(&results, &sent, around)?;
        Ok(results)
    }

    /// Counts what became of records, and what waits for its turn in consequence.
    pub(super) fn note_results(
        &mut self,
        results: &[Result<RecordId, Refusal>],
        sent: &[Parcel],
        around: &mut Around<'_>,
    ) -> Result<(), End> {
        for (result, parcel) in results.iter().zip(sent) {
            let Err(refusal) = result else { continue };
            around.watch.tally.add(refused(refusal));
            if let Refusal::Gap { next, parked: true, .. } = refusal
                && let Some(what) = self.parked.kept(parcel, *next)
            {
                return Err(around.violation("what waits for its turn stays within its limits", what).into());
            }
        }
        around.watch.tally.peak("bytes parked", self.parked.bytes());
        Ok(())
    }
}

/// What became of records.
pub(super) fn sum(results: &[Result<RecordId, Refusal>]) -> Taken {
    let put_off = |result: &&Result<_, Refusal>| matches!(result, Err(Refusal::OverRate { .. }));
    Taken {
        admitted: results.iter().filter(|result| result.is_ok()).count() as u64,
        put_off: results.iter().filter(put_off).count() as u64,
    }
}

/// The counter of a refusal.
pub(super) fn refused(refusal: &Refusal) -> &'static str {
    match refusal.reason() {
        "duplicate" => "refused: duplicate",
        "gap" => "refused: gap",
        "fork" => "refused: fork",
        "disputed" => "refused: disputed",
        "over-rate" => "refused: over-rate",
        "bad-signature" => "refused: bad-signature",
        "unknown-log" => "refused: unknown-log",
        "body-mismatch" => "refused: body-mismatch",
        "body-unwanted" => "refused: body-unwanted",
        "cut" => "refused: cut",
        "malformed" => "refused: malformed",
        "roster-ahead" => "refused: roster-ahead",
        _ => "refused: other",
    }
}
