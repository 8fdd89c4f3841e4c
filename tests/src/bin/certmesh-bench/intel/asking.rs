//! Questions to a store, each kind timed by itself, on one core.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use certmesh_engine::store::Store;
use certmesh_engine::{
    Collection, KnownValues, Query, Reader, Selection, check, collected, listed, query, related, why,
};
use certmesh_intel::Question;
use serde::Serialize;

use super::{FEED, NOW_MS};
use crate::feed;
use crate::sample::{Samples, Spread};

/// Questions of each kind whose time is taken one by one.
const SAMPLES: u64 = 1_000;
/// Values of the bulk check, and of these, one in so many is known.
const BULK: u64 = 500_000;
const KNOWN_OF: u64 = 100;
/// A feed that nobody has published.
const UNKNOWN: u64 = 99;

/// What was asked, and how long it took.
#[derive(Debug, Serialize)]
pub(super) struct Answers {
    pub(super) check_known: Spread,
    pub(super) check_unknown: Spread,
    pub(super) check_subdomains: Spread,
    pub(super) query_value: Spread,
    pub(super) query_type: Spread,
    pub(super) query_label: Spread,
    pub(super) why: Spread,
    pub(super) related: Spread,
    pub(super) bulk: Rate,
    /// The same without looking: what it takes to read what was asked.
    pub(super) bulk_read: Rate,
    pub(super) collected: Rate,
    pub(super) listed: Rate,
    /// Keys that the filter of known values takes in at a start, and its bytes.
    pub(super) filled: Rate,
    pub(super) filter_bytes: u64,
}

/// So many in so long.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Rate {
    pub(super) count: u64,
    pub(super) wall_s: f64,
}

impl Rate {
    fn of(work: impl FnOnce() -> u64) -> Self {
        let begun = Instant::now();
        let count = work();
        Self { count, wall_s: begun.elapsed().as_secs_f64() }
    }

    pub(super) fn per_s(self) -> f64 {
        self.count as f64 / self.wall_s
    }
}

/// Asks a store that holds so many indicators.
pub(super) fn ask(store: &dyn Store, known: &KnownValues, held: u64) -> Answers {
    let reader = Reader::operator(NOW_MS);
    let each = |ask: &dyn Fn(u64)| times(held, ask);
    let value = |at: u64| feed::value(FEED, at);
    let found = |value: &str| {
        check(store, known, &reader, &Question::read(value)).expect("a healthy store").is_known()
    };
    let by = |asked: Query| drop(query(store, &reader, &asked, None, 100).expect("a healthy store"));
    let filled = Rate::of(|| {
        KnownValues::build(store).expect("a healthy store");
        held
    });
    Answers {
        check_known: each(&|at| assert!(found(&value(at)), "it is there")),
        check_unknown: each(&|at| {
            std::hint::black_box(found(&feed::value(UNKNOWN, at)));
        }),
        check_subdomains: each(&|at| assert!(found(&parent(&value(at / 4 * 4 + 1))), "it is there")),
        query_value: each(&|at| by(Query { value: Some(value(at)), ..Query::default() })),
        query_type: each(&|_| by(Query { object_type: Some("indicator".into()), ..Query::default() })),
        query_label: each(&|_| by(Query { label: Some("qakbot".into()), ..Query::default() })),
        why: each(&|at| drop(why(store, &reader, &Question::read(&value(at))).expect("a healthy store"))),
        related: each(&|at| drop(related(store, &reader, &feed::id(FEED, at)).expect("a healthy store"))),
        bulk_read: bulk(held, |value| {
            std::hint::black_box(Question::read(value));
        }),
        bulk: bulk(held, |value| {
            std::hint::black_box(found(value));
        }),
        collected: Rate::of(|| collect(store, &reader)),
        listed: Rate::of(|| list(store, &reader)),
        filled,
        filter_bytes: known.bytes() as u64,
    }
}

/// What a name is a sub-domain of.
fn parent(name: &str) -> String {
    name.split_once('.').map_or(name, |(_, parent)| parent).to_owned()
}

fn times(held: u64, ask: &dyn Fn(u64)) -> Spread {
    let mut samples = Samples::default();
    for sample in 0..SAMPLES + SAMPLES / 10 {
        let begun = Instant::now();
        ask(sample * 7_919 % held);
        // The first ones fill caches.
        if sample >= SAMPLES / 10 {
            samples.push(begun.elapsed().max(Duration::from_nanos(1)));
        }
    }
    samples.spread()
}

/// Many values, one after another; most of them unknown.
fn bulk(held: u64, mut ask: impl FnMut(&str)) -> Rate {
    let value = |at: u64| {
        if at.is_multiple_of(KNOWN_OF) { feed::value(FEED, at * 31 % held) } else { feed::value(UNKNOWN, at) }
    };
    let values: Vec<_> = (0..BULK).map(value).collect();
    Rate::of(|| {
        values.iter().for_each(|value| ask(value));
        BULK
    })
}

/// Everything, page by page.
fn collect(store: &dyn Store, reader: &Reader) -> u64 {
    let (mut after, mut count) = (0, 0);
    loop {
        let page = collected(store, reader, &Collection::All, &Selection::default(), after, 500)
            .expect("a healthy store");
        (after, count) = (page.next, count + page.objects.len() as u64);
        if !page.more {
            return count;
        }
    }
}

/// Every value of the kinds that lists hold.
fn list(store: &dyn Store, reader: &Reader) -> u64 {
    let mut count = 0;
    let mut visit = |_| {
        count += 1;
        ControlFlow::Continue(())
    };
    listed(store, reader, &[], None, &mut visit).expect("a healthy store");
    count
}
