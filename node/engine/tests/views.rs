//! What readers see, and what other nodes are sent.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use certmesh_engine::store::{Family, Order, Readable, Store, StoreError, Visit};
use certmesh_engine::{
    Collection, KnownValues, Listed, Query, Reader, Selection, Versions, after, check, collected, counts,
    export, listed, query,
};
use certmesh_intel::{Question, Tlp};
use certmesh_wire::{Export, Record};
use mesh::{MY, Peer, SG, VN, indicator, membership, node_key};

fn ids(found: &[certmesh_engine::StoredObject]) -> Vec<u32> {
    found.iter().map(|object| object.id[object.id.len() - 4..].parse().unwrap()).collect()
}

#[test]
fn the_same_bytes_again_add_provenance_and_no_arrival() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    let text = indicator(1, "a.example", 2021);
    my.take_all(&sg.publish(&[&text]));
    my.take_all(&sg.publish(&[&text]));
    my.publish(&[&text, &text]);
    assert_eq!(counts(my.store()).unwrap().objects, 1);
    assert_eq!(counts(my.store()).unwrap().indicators, 1);
    for from in ["SG", "MY"] {
        let asked = Query { from: Some(from.parse().unwrap()), ..Query::default() };
        assert_eq!(my.find(&asked).len(), 1, "{from} has published it");
    }
    let asked = Query { from: Some("VN".parse().unwrap()), ..Query::default() };
    assert_eq!(my.find(&asked).len(), 0);
}

#[test]
fn arrivals_rise_whatever_the_clock_does() {
    let mut sg = Peer::new(SG);
    for (n, now_ms) in [(1, 1_000_000), (2, 1_000_000), (3, 5), (4, 2_000_000), (5, 0)] {
        sg.now_ms = now_ms;
        sg.publish(&[&indicator(n, "a.example", 2021)]);
        sg = Peer { now_ms: 0, ..Peer::with(membership(), SG, Arc::clone(&sg.store)) };
    }
    let arrivals: Vec<_> =
        after(sg.store(), 0).unwrap().objects.iter().map(|object| object.arrival).collect();
    assert_eq!(arrivals, [1_000_000, 1_000_001, 1_000_002, 2_000_000, 2_000_001]);
    assert_eq!(after(sg.store(), 1_000_001).unwrap().objects.len(), 3);
}

#[test]
fn conditions_combine() {
    let mut sg = Peer::new(SG);
    let malware = r#"{"type":"malware","spec_version":"2.1","id":"malware--00000000-0000-4000-8000-000000000009","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","name":"X","is_family":false}"#;
    sg.publish(&[&indicator(1, "a.example", 2021), malware, &indicator(2, "A.example", 2021)]);
    sg.now_ms += 5_000;
    sg.publish(&[&indicator(3, "b.example", 2021)]);
    let ask = |asked: Query| ids(&sg.find(&asked));
    let value = |text: &str| Some(text.to_owned());
    assert_eq!(ask(Query::default()), [3, 2, 9, 1], "latest arrival first");
    assert_eq!(ask(Query { value: value("a.example."), ..Query::default() }), [2, 1]);
    assert_eq!(ask(Query { object_type: value("malware"), ..Query::default() }), [9]);
    assert_eq!(ask(Query { object_type: value("malw"), ..Query::default() }), [0_u32; 0]);
    assert_eq!(ask(Query { since_ms: Some(1_004_000), ..Query::default() }), [3]);
    assert_eq!(
        ask(Query { value: value("a.example"), since_ms: Some(1_004_000), ..Query::default() }),
        [0; 0]
    );
    let from = |code: &str| Some(code.parse().unwrap());
    assert_eq!(
        ask(Query { from: from("SG"), object_type: value("indicator"), ..Query::default() }),
        [3, 2, 1]
    );
    assert_eq!(ask(Query { from: from("MY"), object_type: value("indicator"), ..Query::default() }), [0; 0]);
}

#[test]
fn pages_follow_each_other_without_loss() {
    let mut sg = Peer::new(SG);
    let texts: Vec<_> = (0..7).map(|n| indicator(n, "a.example", 2021)).collect();
    sg.publish(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    // As a URL and as a file name: two questions, whose answers have to be merged.
    let url = indicator(7, "a.example", 2021).replace("domain-name:value", "url:value");
    sg.publish(&[&url]);
    for asked in [Query::default(), Query { value: Some("a.example".into()), ..Query::default() }] {
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = query(sg.store(), &Reader::operator(0), &asked, before, 3).unwrap();
            found.extend(ids(&page.objects));
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(found, [7, 6, 5, 4, 3, 2, 1, 0]);
    }
}

#[test]
fn an_export_can_be_checked_by_anyone_with_the_roster() {
    let (mut sg, mut my) = (Peer::new(SG), Peer::new(MY));
    my.take_all(&sg.publish(&[&indicator(1, "a.example", 2021)]));
    my.publish(&[&indicator(2, "b.example", 2021)]);
    let mut file = Vec::new();
    let mut take = |item: Vec<u8>| {
        file.extend(item);
        ControlFlow::Continue(())
    };
    export(my.store(), my.engine.membership(), &mut take).unwrap();
    let export = Export::open(&file).unwrap();
    assert_eq!(export.manifests().len(), 3);
    let records: Vec<_> = export.map(|parcel| Record::decode(parcel.unwrap().record()).unwrap()).collect();
    assert_eq!(records.len(), 4);
    let mesh = membership().mesh();
    let by = |member: u8| {
        records.iter().filter(|record| record.verify(mesh, node_key(member).node_id()).is_ok()).count()
    };
    assert_eq!([by(SG), by(MY), by(VN)], [2, 2, 0]);
}

/// What is read while somebody publishes between the first scan of the index and the next.
struct Racing<'a> {
    of: &'a dyn Readable,
    publisher: Mutex<Option<(Peer, String)>>,
}

impl Readable for Racing<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.of.get(family, key)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        let scanned = self.of.scan(family, from, to, order, visit);
        if family == Family::Index
            && let Some((mut peer, text)) = self.publisher.lock().unwrap().take()
        {
            peer.publish(&[&text]);
        }
        scanned
    }
}

fn marked(tlp: Tlp, year: u32) -> String {
    let mark = format!(r#""object_marking_refs":["{}"],"pattern_type""#, tlp.marking_id());
    indicator(1, "a.example", year).replacen("\"pattern_type\"", &mark, 1)
}

/// What an answer says of an object whose next version comes while it is being read, and what it says afterwards.
fn raced<T>(markings: [Tlp; 2], read: impl Fn(&dyn Readable) -> Result<T, StoreError>) -> [T; 2] {
    let mut sg = Peer::new(SG);
    sg.publish(&[&marked(markings[0], 2021)]);
    let store = Arc::clone(&sg.store);
    let store: &dyn Store = &*store;
    let publisher = Mutex::new(Some((sg, marked(markings[1], 2022))));
    let during = store.frozen(|moment| read(&Racing { of: moment, publisher })).unwrap();
    [during, store.frozen(read).unwrap()]
}

#[test]
fn an_answer_is_of_one_moment() {
    let selection = Selection { versions: Versions::All, ..Selection::default() };
    let count = |store: &dyn Readable| {
        let page = collected(store, &Reader::operator(1), &Collection::All, &selection, 0, 10)?;
        Ok(page.objects.len())
    };
    // Live rows are read before past ones: what moves meanwhile would stand there twice.
    assert_eq!(raced([Tlp::Clear, Tlp::Clear], count), [1, 2]);
    // Clear ones are read before green ones: what moves the other way would stand nowhere.
    let question = Question::read("a.example");
    let is_known = |store: &dyn Readable| {
        Ok(check(store, &KnownValues::default(), &Reader::operator(1), &question)?.is_known())
    };
    assert_eq!(raced([Tlp::Green, Tlp::Clear], is_known), [true, true]);
}

/// What is read, with how many bytes of objects that takes.
struct Counting<'a>(&'a dyn Readable, AtomicUsize);

impl Readable for Counting<'_> {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.0.get(family, key)?;
        if family == Family::Object {
            self.1.fetch_add(found.as_ref().map_or(0, Vec::len), Ordering::Relaxed);
        }
        Ok(found)
    }

    fn scan(
        &self,
        family: Family,
        from: &[u8],
        to: &[u8],
        order: Order,
        visit: Visit<'_>,
    ) -> Result<(), StoreError> {
        self.0.scan(family, from, to, order, visit)
    }
}

#[test]
fn many_large_versions_of_an_object_come_in_pages_of_a_bounded_size() {
    const VERSIONS: u32 = 24;
    let mut sg = Peer::new(SG);
    for at in 0..VERSIONS {
        // The later a version comes, the older it is: its place is not that of its rank.
        let text = indicator(1, "a.example", 2024 - at % 4);
        let long = format!(r#""description":"{at} {}","pattern_type""#, "x".repeat(300_000));
        sg.publish(&[&text.replacen("\"pattern_type\"", &long, 1)]);
    }
    let selection = Selection {
        versions: Versions::All,
        ids: vec![after(sg.store(), 0).unwrap().objects[0].id.clone()],
        ..Selection::default()
    };
    for of in [Collection::All, Collection::Member("SG".parse().unwrap())] {
        let (mut cursor, mut seen) = (0, Vec::new());
        loop {
            let counting = Counting(sg.store(), AtomicUsize::new(0));
            let page = collected(&counting, &Reader::operator(1), &of, &selection, cursor, 500).unwrap();
            let read = counting.1.load(Ordering::Relaxed);
            assert!(read < 3_000_000, "{of:?}: {read} bytes for a page");
            seen.extend(page.objects.iter().map(|object| object.arrival));
            cursor = page.next;
            if !page.more {
                break;
            }
        }
        assert!(seen.is_sorted_by(|one, other| one < other), "{of:?}: {seen:?}");
        assert_eq!(seen.len(), VERSIONS as usize, "{of:?}");
    }
}

#[test]
fn a_list_reads_an_object_once_for_all_its_values() {
    let mut sg = Peer::new(SG);
    let value = |at: u32| format!("[domain-name:value = 'n{at:02}.example']");
    let many: Vec<_> = (0..40).map(value).collect();
    let text =
        indicator(1, "a.example", 2021).replace("[domain-name:value = 'a.example']", &many.join(" OR "));
    sg.publish(&[&text]);
    let (counting, mut found) = (Counting(sg.store(), AtomicUsize::new(0)), Vec::new());
    let mut visit = |row: Listed| {
        found.push(row.value);
        ControlFlow::Continue(())
    };
    listed(&counting, &Reader::operator(1), &[], None, &mut visit).unwrap();
    assert_eq!(found, (0..40).map(|at| format!("n{at:02}.example")).collect::<Vec<_>>());
    let read = counting.1.load(Ordering::Relaxed);
    assert!(read < 2 * text.len(), "{read} bytes of an object of {}", text.len());
}
