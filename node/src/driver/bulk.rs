//! What sync brings in bulk. Signatures and bodies are checked on all cores, by a thread of its own,
//! while the driver commits what was checked before and takes whatever somebody waits for.

use std::sync::mpsc as jobs;

use certmesh_engine::limits::COMMIT_BYTES;
use certmesh_engine::store::StoreError;
use certmesh_engine::{
    Candidate, Entering, Origin, Prechecked, PrecheckedBody, Refusal, Steps, Verified, VerifiedBody,
};
use certmesh_wire::{LogId, NodeId, Parcel, RecordId};
use tokio::sync::{mpsc, oneshot};

use super::{Input, Owed, Shell, Taken};
use crate::clock::now_ms;

/// Bodies of one input: those that are still to be read, and how many were admitted.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(super) rest: Vec<(LogId, u64, Vec<u8>)>,
    pub(super) admitted: u64,
    pub(super) reply: oneshot::Sender<Taken>,
}

/// Something to check.
enum Job {
    Records(NodeId, Entering, Vec<Candidate>, oneshot::Sender<Taken>),
    Bodies(NodeId, Vec<PrecheckedBody>, Batch),
}

/// The same, checked.
#[derive(Debug)]
pub(crate) enum Checked {
    /// Records that a peer sent.
    Records(NodeId, Entering, Vec<Result<Verified, Refusal>>, oneshot::Sender<Taken>),
    /// Bodies that a peer sent, as many as may be read at once.
    Bodies(NodeId, Vec<Result<VerifiedBody, Refusal>>, Batch),
}

impl Job {
    fn check(self) -> Checked {
        match self {
            Self::Records(from, entering, candidates, reply) => {
                let verify = |(prechecked, body): (Prechecked, _)| prechecked.verify(body);
                Checked::Records(from, entering, on_all_cores(candidates, verify), reply)
            }
            Self::Bodies(from, bodies, batch) => {
                Checked::Bodies(from, on_all_cores(bodies, PrecheckedBody::verify), batch)
            }
        }
    }
}

/// The thread that checks. It ends with its driver.
pub(super) struct Checker {
    /// Never waits: there are only as many jobs as sync has portions under way.
    jobs: jobs::Sender<Job>,
}

impl Checker {
    pub(super) fn start(checked: mpsc::Sender<Input>) -> std::io::Result<Self> {
        let (sender, jobs) = jobs::channel::<Job>();
        let check = move || {
            for job in jobs {
                if checked.blocking_send(Input::Checked(Box::new(job.check()))).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("checker".into()).spawn(check)?;
        Ok(Self { jobs: sender })
    }

    fn check(&self, job: Job) {
        // A checker that has ended drops the job with its reply, as an ending driver does.
        let _ = self.jobs.send(job);
    }
}

impl Shell {
    pub(super) fn begin_records(
        &mut self,
        from: NodeId,
        records: Vec<Vec<u8>>,
        reply: oneshot::Sender<Taken>,
        steps: &mut Steps,
    ) {
        let parcels = records.into_iter().map(|record| Parcel::new(record, None)).collect();
        let (entering, candidates) =
            self.engine.begin(&*self.store, Origin::Pull(from), parcels, now_ms(), steps);
        self.checker.check(Job::Records(from, entering, candidates, reply));
    }

    /// Has the next bodies of a batch checked: they may hold far more than they weigh, so only so much
    /// is read at once.
    pub(super) fn begin_bodies(&mut self, from: NodeId, mut batch: Batch, owed: &mut Owed) {
        let (mut bodies, mut bytes) = (Vec::new(), 0);
        let mut rest = std::mem::take(&mut batch.rest).into_iter();
        while bytes < COMMIT_BYTES
            && let Some((log, seq, body)) = rest.next()
        {
            match self.engine.precheck_body(&*self.store, log, seq, body) {
                Ok(prechecked) => {
                    bytes += prechecked.raw_len();
                    bodies.push(prechecked);
                }
                Err(refusal) => self.peers.refuse_record(from, &refusal),
            }
        }
        batch.rest = rest.collect();
        if bodies.is_empty() {
            owed.taken.push((Taken { admitted: batch.admitted, put_off: 0 }, batch.reply));
        } else {
            self.checker.check(Job::Bodies(from, bodies, batch));
        }
    }

    pub(super) fn take_checked(
        &mut self,
        checked: Checked,
        steps: &mut Steps,
        owed: &mut Owed,
    ) -> Result<(), StoreError> {
        match checked {
            Checked::Records(from, entering, verified, reply) => {
                let results = self.engine.finish(&*self.store, entering, verified, now_ms(), steps);
                self.count(from, &results);
                owed.taken.push((sum(&results), reply));
            }
            Checked::Bodies(from, bodies, mut batch) => {
                batch.admitted += self.admit_bodies(from, bodies, steps, owed)?;
                self.begin_bodies(from, batch, owed);
            }
        }
        Ok(())
    }

    fn admit_bodies(
        &mut self,
        from: NodeId,
        bodies: Vec<Result<VerifiedBody, Refusal>>,
        steps: &mut Steps,
        owed: &mut Owed,
    ) -> Result<u64, StoreError> {
        let mut admitted = 0;
        for verified in bodies {
            if steps.is_full() {
                self.settle(std::mem::take(steps), std::mem::take(owed))?;
            }
            let entered =
                verified.and_then(|body| self.engine.admit_body(&*self.store, body, now_ms(), steps));
            match entered {
                Ok(()) => admitted += 1,
                Err(refusal) => self.peers.refuse_record(from, &refusal),
            }
        }
        Ok(admitted)
    }
}

fn sum(results: &[Result<RecordId, Refusal>]) -> Taken {
    let put_off = |result: &&Result<_, Refusal>| matches!(result, Err(Refusal::OverRate { .. }));
    Taken {
        admitted: results.iter().filter(|result| result.is_ok()).count() as u64,
        put_off: results.iter().filter(put_off).count() as u64,
    }
}

/// Does this to a share of the items on each core; the results in the items' order.
fn on_all_cores<T: Send, R: Send>(mut items: Vec<T>, each: impl Fn(T) -> R + Copy + Send) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        while !items.is_empty() {
            let rest = items.split_off(items.len().min(share));
            let mine = std::mem::replace(&mut items, rest);
            threads.push(scope.spawn(move || mine.into_iter().map(each).collect::<Vec<_>>()));
        }
        let joined = threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default());
        joined.collect()
    })
}
