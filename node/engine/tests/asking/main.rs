//! Every kind of question against brute force over the same publications, in random stores: whatever order they came in,
//! also where records were withdrawn and identities changed hands.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod collections;
#[path = "../mesh/mod.rs"]
mod mesh;
mod plain;
mod rebuilding;
mod world;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use certmesh_engine::store::{Family, MemoryStore, Order, Store};
use certmesh_engine::{
    Collection, KnownValues, Query, Reader, Selection, StoredObject, Versions, check, counts, listed, query,
    related, versions, why,
};
use certmesh_intel::{Question, Tlp};
use collections::collect;
use mesh::{MY, Peer};
use plain::{Plain, word};
use world::{Chance, LABELS, NOW_MS, Story, VALUES, code, id, owners};

/// A store that has heard a story, and what readers should be told.
struct Case {
    seed: u64,
    peer: Peer,
    plain: Plain,
    chance: Chance,
    story: Story,
}

impl Case {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let records = 5 + chance.below(60);
        let story = Story::random(&mut chance, records);
        let mut peer = Peer::new(MY);
        peer.now_ms = NOW_MS;
        story.tell(&mut peer, &mut chance, |_| {});
        let plain = Plain::new(&story.publications(), owners(peer.engine.membership()));
        Self { seed, peer, plain, chance, story }
    }

    fn store(&self) -> &dyn Store {
        self.peer.store()
    }

    /// Readers of every kind.
    fn readers() -> impl Iterator<Item = Reader> {
        let ceilings = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::Red];
        let times = [NOW_MS, 1_660_000_000_000, 2_000_000_000_000];
        ceilings
            .into_iter()
            .zip(times.into_iter().cycle())
            .map(|(ceiling, now_ms)| Reader { ceiling, now_ms })
    }
}

/// Runs a check on many random stores.
fn cases(check: impl Fn(&mut Case)) {
    for seed in 0..60 {
        check(&mut Case::new(seed));
    }
}

fn texts(objects: Vec<StoredObject>) -> BTreeSet<String> {
    let count = objects.len();
    let texts: BTreeSet<_> = objects.into_iter().map(|object| object.json).collect();
    assert_eq!(texts.len(), count, "each once");
    texts
}

#[test]
fn checks_find_what_is_there() {
    cases(|case| {
        let known = KnownValues::build(case.store()).unwrap();
        for reader in Case::readers() {
            for value in VALUES {
                let question = Question::read(value);
                let answer = check(case.store(), &known, &reader, &question).unwrap();
                let hits: BTreeSet<_> = answer
                    .hits
                    .iter()
                    .map(|hit| {
                        let (kind, value) = (hit.kind.clone(), hit.value.clone());
                        let members = hit.object.members.clone();
                        (hit.how, kind, value, hit.partial, hit.object.id.clone(), members)
                    })
                    .collect();
                let context = format!("seed {}, {value} for {reader:?}", case.seed);
                assert_eq!(hits, case.plain.hits(&reader, &question), "{context}");
                let words = [answer.sightings.clone(), answer.false_positives.clone()];
                assert_eq!(words, case.plain.words(&reader, &question), "{context}");
                assert!(answer.hits.is_sorted_by_key(|hit| hit.how), "{context}");
                assert!(!answer.capped && answer.is_known() != hits.is_empty(), "{context}");
            }
        }
    });
}

#[test]
fn the_filter_that_the_engine_keeps_up_knows_as_much_as_one_that_is_built() {
    cases(|case| {
        let kept = case.peer.engine.known_values();
        kept.fill(&*Arc::new(MemoryStore::default())).unwrap();
        let reader = Reader::operator(NOW_MS);
        for value in VALUES {
            let question = Question::read(value);
            let answer = check(case.store(), &kept, &reader, &question).unwrap();
            assert_eq!(answer.hits.is_empty(), case.plain.hits(&reader, &question).is_empty(), "{value}");
        }
    });
}

/// All objects that a query finds, a few a page.
fn pages(store: &dyn Store, reader: &Reader, asked: &Query) -> Vec<StoredObject> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = query(store, reader, asked, before, 3).unwrap();
        assert!(page.objects.iter().all(|object| before.is_none_or(|before| object.arrival < before)));
        found.extend(page.objects);
        before = page.next;
        if before.is_none() {
            assert!(found.windows(2).all(|pair| pair[0].arrival > pair[1].arrival), "the latest first");
            return found;
        }
    }
}

#[test]
fn queries_find_what_meets_all_their_conditions() {
    cases(|case| {
        for reader in Case::readers() {
            for _ in 0..20 {
                let chance = &mut case.chance;
                let mut asked = Query::default();
                let some = |chance: &mut Chance| chance.one_in(4);
                if some(chance) {
                    asked.value = Some((*chance.pick(&VALUES)).to_owned());
                }
                if some(chance) {
                    asked.object_type = Some((*chance.pick(&["indicator", "malware", "x"])).to_owned());
                }
                if some(chance) {
                    asked.kind = Some((*chance.pick(&["ipv4-addr", "domain-name", "file-md5"])).to_owned());
                }
                if chance.one_in(8) {
                    asked.id = Some(id(["indicator", "report"][chance.below(2) as usize], chance.below(4)));
                }
                if some(chance) {
                    asked.from = Some(code(chance.below(3) as u8));
                }
                if some(chance) {
                    asked.label = Some(chance.pick(&LABELS).replace("\\u0000", "\0"));
                }
                if some(chance) {
                    asked.technique = Some((*chance.pick(&["T1566", "T1566.001", "T15"])).to_owned());
                }
                if some(chance) {
                    asked.confidence_min = Some(50);
                }
                if some(chance) {
                    asked.tlp = Some(*chance.pick(&Tlp::ALL));
                }
                if some(chance) {
                    asked.valid_at_ms = Some(*chance.pick(&[0, 1_660_000_000_000, 4_000_000_000_000]));
                }
                if some(chance) {
                    asked.text = Some((*chance.pick(&["analyst", "TEXT 1", "week", "evil"])).to_owned());
                }
                let found = texts(pages(case.peer.store(), &reader, &asked));
                let wanted = case.plain.query(&reader, &asked);
                assert_eq!(found, wanted, "seed {}, {asked:?} for {reader:?}", case.seed);
            }
        }
    });
}

#[test]
fn queries_keep_to_the_time_of_arrival() {
    cases(|case| {
        let reader = Reader::operator(NOW_MS);
        let all = pages(case.store(), &reader, &Query::default());
        let Some(middle) = all.get(all.len() / 2).map(|object| object.arrival) else { return };
        for (since_ms, until_ms) in
            [(Some(middle), None), (None, Some(middle)), (Some(middle), Some(middle + 1))]
        {
            let asked = Query { since_ms, until_ms, ..Query::default() };
            let inside = |it: &&StoredObject| {
                since_ms.is_none_or(|since| it.arrival >= since)
                    && until_ms.is_none_or(|until| it.arrival < until)
            };
            let wanted: Vec<_> = all.iter().filter(inside).cloned().collect();
            assert_eq!(pages(case.store(), &reader, &asked), wanted);
        }
    });
}

#[test]
fn lists_hold_each_value_once() {
    cases(|case| {
        let kinds = ["ipv4-addr", "ipv6-addr", "domain-name", "url", "file-md5", "file-name"];
        for reader in Case::readers() {
            let mut rows = Vec::new();
            let mut all = |row| {
                rows.push(row);
                ControlFlow::Continue(())
            };
            listed(case.store(), &reader, &kinds, None, &mut all).unwrap();
            let found: Vec<_> = rows
                .iter()
                .map(|row| {
                    let (kind, value, members) = (row.kind.clone(), row.value.clone(), row.members.clone());
                    (
                        kind,
                        value,
                        members,
                        row.confidence,
                        row.labels.clone(),
                        row.tlp as u8,
                        row.valid_until_ms,
                    )
                })
                .collect();
            assert_eq!(found, case.plain.listed(&reader, &kinds), "seed {} for {reader:?}", case.seed);
            for (at, row) in rows.iter().enumerate() {
                let mut rest = Vec::new();
                let mut take = |row| {
                    rest.push(row);
                    if rest.len() < 2 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                };
                listed(case.store(), &reader, &kinds, Some(&row.key), &mut take).unwrap();
                assert_eq!(rest, rows[at + 1..].iter().take(2).cloned().collect::<Vec<_>>(), "goes on");
            }
        }
    });
}

#[test]
fn why_tells_what_each_object_comes_to() {
    cases(|case| {
        for reader in Case::readers() {
            for value in VALUES {
                let question = Question::read(value);
                let reasons = why(case.store(), &reader, &question).unwrap();
                let mut found: Vec<_> = reasons
                    .reasons
                    .iter()
                    .map(|it| {
                        let word = word(&it.because).to_owned();
                        (it.object.id.clone(), it.kind.clone(), it.value.clone(), word)
                    })
                    .collect();
                found.sort();
                let context = format!("seed {}, {value} for {reader:?}", case.seed);
                assert_eq!(found, case.plain.why(&reader, &question), "{context}");
            }
        }
    });
}

#[test]
fn relations_go_both_ways() {
    cases(|case| {
        for reader in Case::readers() {
            for object_type in ["indicator", "malware", "report", "relationship", "identity"] {
                for n in 0..4 {
                    let id = id(object_type, n);
                    let found = related(case.store(), &reader, &id).unwrap();
                    let mut referred_by: Vec<_> = found
                        .referred_by
                        .iter()
                        .map(|it| (it.property.clone(), it.object.clone().unwrap().json))
                        .collect();
                    referred_by.sort();
                    assert_eq!(referred_by, case.plain.referred_by(&reader, &id), "seed {}, {id}", case.seed);
                    let refers_to: Vec<_> = found
                        .refers_to
                        .iter()
                        .map(|it| (it.property.clone(), it.id.clone(), it.object.is_some()))
                        .collect();
                    assert_eq!(refers_to, case.plain.refers_to(&reader, &id), "seed {}, {id}", case.seed);
                }
            }
        }
    });
}

#[test]
fn every_version_is_there() {
    cases(|case| {
        let all = case.plain.collected(&Reader::operator(0), &Collection::All, &Versions::All);
        for object_type in ["indicator", "sighting", "report", "domain-name"] {
            for n in 0..4 {
                let id = id(object_type, n);
                let mine = format!("\"id\":\"{id}\"");
                let wanted: BTreeSet<_> = all.iter().filter(|json| json.contains(&mine)).cloned().collect();
                let found = versions(case.store(), &id, None).unwrap().objects;
                assert!(found.windows(2).all(|pair| pair[0].arrival > pair[1].arrival));
                if let [.., one, other] = &found[..] {
                    let rest = versions(case.store(), &id, Some(one.arrival)).unwrap().objects;
                    assert_eq!(rest, std::slice::from_ref(other));
                }
                assert_eq!(texts(found), wanted, "seed {}, {id}", case.seed);
            }
        }
    });
}

/// What is in a store, but for what each node has for itself: arrivals, and who was first.
fn index(store: &dyn Store) -> Vec<(String, Vec<String>)> {
    let mut views = Vec::new();
    for reader in Case::readers() {
        for value in VALUES {
            let reasons = why(store, &reader, &Question::read(value)).unwrap().reasons;
            let mut words: Vec<_> = reasons
                .into_iter()
                .map(|it| {
                    format!(
                        "{} {} {} {:?} {}",
                        it.object.id,
                        it.kind,
                        it.value,
                        it.object.members,
                        word(&it.because)
                    )
                })
                .collect();
            words.sort();
            views.push((value.to_owned(), words));
        }
        for versions in [Versions::Newest, Versions::All] {
            let selection = Selection { versions, ..Selection::default() };
            let found = texts(collect(store, &reader, &Collection::All, &selection));
            views.push((format!("{selection:?}"), found.into_iter().collect()));
        }
    }
    views
}

fn keys(store: &dyn Store, family: Family) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut keys = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        keys.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.scan(family, &[], &[u8::MAX; 9], Order::Ascending, &mut visit).unwrap();
    keys
}

#[test]
fn the_views_are_the_same_in_any_order_of_arrival() {
    cases(|case| {
        let first = index(case.store());
        for seed in 1_000..1_003 {
            let mut other = Peer::new(MY);
            other.now_ms = NOW_MS;
            case.story.tell(&mut other, &mut Chance(seed), |_| {});
            assert_eq!(index(other.store()), first, "seed {}, {seed}", case.seed);
            let number = |peer: &Peer| keys(peer.store(), Family::Index).len();
            assert_eq!(
                number(&other),
                number(&case.peer),
                "seed {}, {seed}: nothing is left over",
                case.seed
            );
            assert_eq!(counts(other.store()), counts(case.store()));
        }
        assert_eq!(counts(case.store()).unwrap().objects, case.plain.texts() as u64);
        assert_eq!(case.plain.owners(), &owners(case.peer.engine.membership()));
    });
}
