//! What sync brings in bulk is checked beside the driver, which goes on with other things meanwhile
//! (`node/src/driver/bulk.rs`): it begins, and finishes when the check comes back.

use certmesh_engine::limits::COMMIT_BYTES;
use certmesh_engine::{Entering, Origin, Refusal, Steps, Verified, VerifiedBody};
use certmesh_wire::{LogId, Parcel};

use crate::life::effects::Effect;
use crate::life::settling::Owed;
use crate::life::taking::{Replies, Taken, refused, sum};
use crate::life::{Around, Input, Life, as_store};
use crate::reading;
use crate::violation::End;

/// Bodies with their places.
type Bodies = Vec<(LogId, u64, Vec<u8>)>;

/// What a check has brought.
#[derive(Debug)]
pub(crate) enum Checked {
    /// Records that a peer sent.
    Records { from: usize, entering: Entering, verified: Vec<Result<Verified, Refusal>>, sent: Vec<Parcel> },
    /// Bodies that a peer sent, as many as may be read at once; the rest, and how many were admitted.
    Bodies { from: usize, verified: Vec<Result<VerifiedBody, Refusal>>, rest: Bodies, admitted: u64 },
}

impl Life {
    /// A check has come to its end: the driver takes what it brought.
    pub(crate) fn checked(&mut self, around: &mut Around<'_>) {
        if let Some(checked) = self.checking.pop_front() {
            self.give(Input::Checked(Box::new(checked)), around);
        }
    }

    fn check(&mut self, checked: Checked, around: &mut Around<'_>) {
        self.checking.push_back(checked);
        around.effects.push(Effect::Checked { after_ms: around.chance.between(1, 15) });
    }

    pub(super) fn begin_records(
        &mut self,
        from: usize,
        records: Vec<Vec<u8>>,
        steps: &mut Steps,
        around: &mut Around<'_>,
    ) {
        let sent: Vec<_> = records.into_iter().map(|record| Parcel::new(record, None)).collect();
        let names = around.verifier.names(&sent);
        let (store, origin) = (as_store(around.store), Origin::Pull(around.ids[from]));
        let (entering, candidates) = self.engine.begin(store, origin, sent.clone(), around.clock_ms, steps);
        let verified = around.verifier.verify(candidates, &names);
        self.check(Checked::Records { from, entering, verified, sent }, around);
    }

    /// Has the next bodies checked: only so much is read at once.
    pub(super) fn begin_bodies(
        &mut self,
        from: usize,
        bodies: Bodies,
        admitted: u64,
        owed: &mut Owed,
        around: &mut Around<'_>,
    ) {
        let (mut verified, mut bytes) = (Vec::new(), 0);
        let mut rest = bodies.into_iter();
        while bytes < COMMIT_BYTES
            && let Some((log, seq, body)) = rest.next()
        {
            let record = match around.verifier.is_shared() {
                true => reading::record_of(around.store, log, seq).unwrap_or_default(),
                false => Vec::new(),
            };
            match self.engine.precheck_body(as_store(around.store), log, seq, body.clone()) {
                Ok(prechecked) => {
                    bytes += prechecked.raw_len();
                    verified.push(around.verifier.verify_body(&record, &body, prechecked));
                }
                Err(refusal) => around.watch.tally.add(refused(&refusal)),
            }
        }
        if verified.is_empty() {
            return owed.taken.push((from, Taken { admitted, put_off: 0 }));
        }
        let rest = rest.collect();
        self.check(Checked::Bodies { from, verified, rest, admitted }, around);
    }

    pub(super) fn take_checked(
        &mut self,
        checked: Checked,
        steps: &mut Steps,
        owed: &mut Owed,
        around: &mut Around<'_>,
        replies: &mut Replies,
    ) -> Result<(), End> {
        match checked {
            Checked::Records { from, entering, verified, sent } => {
                let store = as_store(around.store);
                let results = self.engine.finish(store, entering, verified, around.clock_ms, steps);
                self.note_results(&results, &sent, around)?;
                owed.taken.push((from, sum(&results)));
            }
            Checked::Bodies { from, verified, rest, mut admitted } => {
                admitted += self.admit_bodies(verified, steps, around, replies)?;
                self.begin_bodies(from, rest, admitted, owed, around);
            }
        }
        Ok(())
    }

    fn admit_bodies(
        &mut self,
        bodies: Vec<Result<VerifiedBody, Refusal>>,
        steps: &mut Steps,
        around: &mut Around<'_>,
        replies: &mut Replies,
    ) -> Result<u64, End> {
        let mut admitted = 0;
        for verified in bodies {
            if steps.is_full() {
                self.settle(std::mem::take(steps), Owed::default(), around, replies)?;
            }
            let (store, clock_ms) = (as_store(around.store), around.clock_ms);
            match verified.and_then(|body| self.engine.admit_body(store, body, clock_ms, steps)) {
                Ok(()) => admitted += 1,
                Err(refusal) => around.watch.tally.add(refused(&refusal)),
            }
        }
        Ok(admitted)
    }
}
