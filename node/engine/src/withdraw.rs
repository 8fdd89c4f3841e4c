//! Withdrawing: objects whose records no longer count leave the views and every index. What another
//! record has published too stays, with that one as its provenance; and a version that the withdrawn
//! one had replaced is seen again, with an arrival of its own, so that no reader's cursor misses it.
//!
//! A log may lose a long tail at once. Which part of it is still to go is kept in the store, and
//! [`Engine::resume`] goes on with it, a portion a commit, also after a restart.

use certmesh_wire::{LogId, Record, missing_mark};

use crate::allowance;
use crate::commit::Steps;
use crate::engine::Engine;
use crate::index::withdrawing::Touched;
use crate::layout;
use crate::limits::{WITHDRAW_BYTES, WITHDRAW_RECORDS};
use crate::store::{Family, Store, StoreError};
use crate::verify::{Content, read_content};

/// A part of a log whose records no longer count, and have still to be withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pending {
    /// The first place.
    pub(crate) from: u64,
    /// The place after the last one.
    pub(crate) to: u64,
}

impl Engine {
    /// Notes that a part of a log is to be withdrawn.
    pub(crate) fn note_pending(&mut self, log: LogId, part: Pending, steps: &mut Steps) {
        let whole = match self.pending.get(&log) {
            Some(known) => Pending { from: known.from.min(part.from), to: known.to.max(part.to) },
            None => part,
        };
        steps.put(Family::Control, layout::pending(&log), layout::encode_pending(&whole));
        self.pending.insert(log, whole);
    }

    /// Withdraws the next portion of what is pending; whether there was any.
    pub(crate) fn withdraw_portion(
        &mut self,
        store: &dyn Store,
        now_ms: u64,
        steps: &mut Steps,
    ) -> Result<bool, StoreError> {
        let Some((log, mut part)) = self.pending.iter().next().map(|(log, part)| (*log, *part)) else {
            return Ok(false);
        };
        let Some(mut state) = self.logs.get(&log).copied() else {
            self.pending.remove(&log);
            return Ok(true);
        };
        let number = state.number;
        let (mut touched, mut bytes, mut records) = (Touched::new(), 0, 0);
        // The newest first: what is pending stays one range, which ends ever lower.
        while part.from < part.to && records < WITHDRAW_RECORDS && bytes < WITHDRAW_BYTES {
            part.to -= 1;
            records += 1;
            let missing = layout::at(layout::missing_bodies(number), part.to);
            if store.get(Family::Control, &missing)?.is_some() {
                state.missing ^= missing_mark(part.to);
                steps.delete(Family::Control, missing);
            }
            self.forget_unindexed((number, part.to), steps);
            if let Some(record) = layout::read_record(store, number, part.to)? {
                let body = store.get(Family::Body, &layout::place(number, part.to))?;
                bytes += record.header().body.map_or(0, |body| body.raw_len as usize);
                state.bytes = state.bytes.saturating_sub(allowance::bytes_of(&record));
                if let Some(body) = body {
                    self.withdraw_record(store, &record, &body, now_ms, steps, &mut touched)?;
                }
            }
        }
        self.writing(store, now_ms, steps).judge_all(touched)?;
        self.put_log(log, state, steps);
        if part.from < part.to {
            steps.put(Family::Control, layout::pending(&log), layout::encode_pending(&part));
            self.pending.insert(log, part);
        } else {
            steps.delete(Family::Control, layout::pending(&log));
            self.pending.remove(&log);
        }
        self.put_counts(steps);
        Ok(true)
    }

    /// Withdraws what a record has brought.
    fn withdraw_record(
        &mut self,
        store: &dyn Store,
        record: &Record,
        body: &[u8],
        now_ms: u64,
        steps: &mut Steps,
        touched: &mut Touched,
    ) -> Result<(), StoreError> {
        match read_content(record, body) {
            Content::Void => self.ledger.counts.void = self.ledger.counts.void.saturating_sub(1),
            Content::Objects(objects) => {
                self.writing(store, now_ms, steps).withdraw(&record.id(), &objects, touched)?;
            }
            Content::Nothing | Content::Missing => {}
        }
        Ok(())
    }
}
