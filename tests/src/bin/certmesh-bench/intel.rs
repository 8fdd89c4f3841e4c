//! What the index costs and gives, in one process: indicators are taken in as from another member's node, and then every
//! kind of question is asked, as the store grows.
//!
//! What taking in costs is split by taking it apart: signatures and reading are pure and done beforehand; the engine's
//! part is timed by itself; and each batch is written twice, once whole and once without the index.

mod asking;
mod mesh;
mod report;
mod twin;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use certmesh_engine::store::Store;
use certmesh_engine::{Engine, KnownValues, Refusal, Steps, Verified, commit};
use certmesh_wire::Parcel;
use serde::Serialize;

use crate::{feed, talk};
use asking::Answers;
use mesh::{Pen, founded};
pub(crate) use report::words;
use twin::{Twin, Written};

/// The number of the feed that is taken in.
const FEED: u64 = 1;
/// Objects of a record: a quarter MiB of text, as the operators' command makes them.
const RECORD: u64 = 400;
/// Records of one commit.
const COMMIT: usize = 8;
/// The time at which all of it happens: 2026, in milliseconds.
const NOW_MS: u64 = 1_790_000_000_000;
/// Between two words of progress.
const TELL_EVERY: Duration = Duration::from_secs(15);

/// A store that holds so many indicators.
#[derive(Debug, Serialize)]
pub(crate) struct Indexed {
    objects: u64,
    ingest: Ingest,
    /// Bytes on the disk, once RocksDB has nothing more to do.
    disk: Disk,
    answers: Answers,
    /// Bytes of the process: resident now, and at most so far.
    memory: [u64; 2],
}

/// What it took since the last size, in seconds of one core.
#[derive(Debug, Default, Clone, Serialize)]
struct Ingest {
    objects: u64,
    /// Bytes of the objects' texts.
    text_bytes: u64,
    /// Signature, decompression, parsing, and what the index takes from an object.
    verify_s: f64,
    /// Placing it among versions, and making the rows.
    admit_s: f64,
    /// The store's batches with the index, and without.
    commit_s: f64,
    bare_commit_s: f64,
    written: Written,
}

/// Bytes.
#[derive(Debug, Clone, Copy, Serialize)]
struct Disk {
    whole: u64,
    /// The same records and objects without the index.
    bare: u64,
}

/// Takes indicators in up to each of these numbers, and asks there.
pub(crate) fn measure(parent: &Path, sizes: &[u64]) -> Vec<Indexed> {
    let folder = tempfile::tempdir_in(parent).expect("a folder can be made");
    let (membership, key, author) = founded();
    let mut pen = Pen::new(author, membership.mesh());
    let mut twin = Twin::open(folder.path(), membership.mesh());
    let mut engine = Engine::open(Arc::new(membership), key, &twin, None).expect("a fresh store");
    let known = Arc::new(KnownValues::default());
    engine.keep_up(Arc::clone(&known));
    known.fill(&twin).expect("a fresh store");
    let (mut results, mut held) = (Vec::new(), 0);
    for size in sizes.iter().copied() {
        let mut ingest = Ingest::default();
        take_in(&mut engine, &twin, &mut pen, (held, size), &mut ingest);
        held = held.max(size);
        (ingest.commit_s, ingest.bare_commit_s, ingest.written) = twin.spent();
        talk(format_args!("{held} indicators are taken in"));
        let disk = twin.settled();
        let answers = asking::ask(&twin, &known, held);
        results.push(Indexed { objects: held, ingest, disk, answers, memory: memory() });
    }
    results
}

fn take_in(engine: &mut Engine, store: &Twin, pen: &mut Pen, (from, to): (u64, u64), spent: &mut Ingest) {
    let (mut next, mut told) = (from, Instant::now());
    while next < to {
        let mut parcels = pen.opening().into_iter().collect::<Vec<_>>();
        while parcels.len() < COMMIT && next < to {
            let end = to.min(next + RECORD);
            let texts: Vec<_> = (next..end).map(|at| feed::indicator(FEED, at)).collect();
            spent.text_bytes += texts.iter().map(|text| text.len() as u64).sum::<u64>();
            parcels.push(pen.publish(&texts, NOW_MS));
            (spent.objects, next) = (spent.objects + end - next, end);
        }
        let mut steps = Steps::default();
        for parcel in parcels {
            take(engine, store, parcel, &mut steps, spent).expect("a good record");
        }
        commit(store, steps).expect("a store with room");
        if told.elapsed() >= TELL_EVERY {
            talk(format_args!("taking in: {next} of {to}"));
            told = Instant::now();
        }
    }
}

fn take(
    engine: &mut Engine,
    store: &dyn Store,
    parcel: Parcel,
    steps: &mut Steps,
    spent: &mut Ingest,
) -> Result<(), Refusal> {
    let (signed, body) = parcel.into_parts();
    let prechecked = engine.precheck(store, &signed)?;
    let begun = Instant::now();
    let verified: Verified = prechecked.verify(body)?;
    let read = Instant::now();
    engine.admit(store, verified, NOW_MS, steps)?;
    spent.verify_s += (read - begun).as_secs_f64();
    spent.admit_s += read.elapsed().as_secs_f64();
    Ok(())
}

/// Resident bytes of this process, now and at most (proc(5): `VmRSS`, `VmHWM`).
fn memory() -> [u64; 2] {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default()
    };
    ["VmRSS", "VmHWM"].map(|name| kib(name) * 1_024)
}
