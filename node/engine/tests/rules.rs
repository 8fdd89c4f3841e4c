//! What decides which version of an object readers see: owners, publishers, time, revocation, expiry; and that whatever
//! becomes visible again arrives again.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::fmt::Write;
use std::sync::Arc;

use certmesh_engine::{
    Collection, KnownValues, Query, Reader, Selection, StoredObject, Versions, check, collected, counts,
    versions,
};
use certmesh_intel::Question;
use mesh::{CODES, MY, Peer, SG, VN, membership};

/// 2023, in milliseconds.
const NOW_MS: u64 = 1_690_000_000_000;
const ID: &str = "indicator--00000000-0000-4000-8000-000000000001";

/// A version of the one indicator, for a domain that tells it apart.
fn version(domain: &str, year: u32, more: &str) -> String {
    mesh::indicator(1, domain, year).replace("\"type\"", &format!("{more}\"type\""))
}

fn by(member: u8) -> String {
    format!(r#""created_by_ref":"identity--00000000-0000-4000-8000-00000000000{member}","#)
}

const REVOKED: &str = r#""revoked":true,"#;

fn peer(member: u8) -> Peer {
    Peer { now_ms: NOW_MS, ..Peer::new(member) }
}

/// A node that has what these say, in this order.
fn told(said: &[(u8, &str)]) -> Peer {
    let mut peers: Vec<_> = [MY, SG, VN].into_iter().map(peer).collect();
    let mut reader = Peer { now_ms: NOW_MS, ..Peer::with(membership(), MY, Arc::default()) };
    for (member, text) in said {
        let parcels = peers[usize::from(*member)].publish(&[text]);
        reader.enter(&parcels);
    }
    reader
}

fn shown(peer: &Peer) -> Vec<StoredObject> {
    peer.find(&Query::default())
}

/// The domains of what is shown, in whatever order it was said.
fn seen(said: &[(u8, &str)]) -> Vec<String> {
    let domains = |order: &[(u8, &str)]| {
        let mut domains: Vec<_> = shown(&told(order))
            .into_iter()
            .map(|object| object.json.split('\'').nth(1).unwrap().split('.').next().unwrap().to_owned())
            .collect();
        domains.sort();
        domains
    };
    let first = domains(said);
    let mut turned = said.to_vec();
    for _ in 1..said.len() {
        turned.rotate_left(1);
        assert_eq!(domains(&turned), first, "in any order");
    }
    turned.reverse();
    assert_eq!(domains(&turned), first, "in any order");
    first
}

#[test]
fn an_owners_newest_version_counts_and_nobody_elses() {
    let own = |year, domain: &str| version(domain, year, &by(SG));
    let (old, new) = (own(2021, "old.example"), own(2022, "new.example"));
    assert_eq!(seen(&[(SG, &old), (SG, &new)]), ["new"]);
    assert_eq!(seen(&[(SG, &old), (MY, &own(2023, "impostor.example"))]), ["old"], "it claims to be SG's");
    assert_eq!(seen(&[(MY, &own(2023, "impostor.example"))]), [""; 0], "also alone");
    assert_eq!(seen(&[(SG, &old), (MY, &version("stripped.example", 2023, ""))]), ["old"], "nor nobody's");
    let revoked = version("impostor.example", 2023, &(by(SG) + REVOKED));
    assert_eq!(seen(&[(SG, &old), (MY, &revoked)]), ["old"]);
    assert_eq!(seen(&[(SG, &old), (SG, &revoked)]), [""; 0]);
    assert_eq!(seen(&[(SG, &old), (SG, &revoked), (MY, &version("back.example", 2024, ""))]), [""; 0]);
    assert_eq!(
        seen(&[(SG, &old), (MY, &version("mine.example", 2020, &by(MY)))]),
        ["mine", "old"],
        "two owners"
    );
    let shouting = version(
        "loud.example",
        2022,
        &by(SG).to_uppercase().replace("CREATED_BY_REF", "created_by_ref").replace("IDENTITY", "identity"),
    );
    assert_eq!(seen(&[(SG, &old), (SG, &shouting)]), ["loud"], "in either case");
}

#[test]
fn the_same_bytes_of_another_are_the_owners_and_theirs_only_once_they_are() {
    let text = version("a.example", 2021, &by(SG));
    let node = told(&[(MY, &text)]);
    assert_eq!(shown(&node).len(), 0);
    let node = told(&[(MY, &text), (SG, &text)]);
    let from = |member: u8| {
        let from = Some(CODES[usize::from(member)].parse().unwrap());
        node.find(&Query { from, ..Query::default() }).len()
    };
    assert_eq!([from(SG), from(MY)], [1, 0], "who passes it on does not report it");
    assert_eq!(counts(node.store()).unwrap().objects, 1);
}

#[test]
fn of_a_third_partys_versions_the_newest_wins_unless_it_is_from_the_future() {
    let (old, new) = (version("old.example", 2021, ""), version("new.example", 2022, ""));
    let future = version("future.example", 2031, "");
    assert_eq!(seen(&[(SG, &old), (MY, &new)]), ["new"]);
    assert_eq!(seen(&[(SG, &old), (MY, &future)]), ["old"]);
    assert_eq!(seen(&[(MY, &future)]), ["future"], "better than nothing");
    assert_eq!(seen(&[(SG, &new), (SG, &old), (MY, &old)]), ["new"]);
    // A record whose clock is there, too, may say so.
    let mut node = peer(MY);
    node.now_ms = 1_940_000_000_000;
    node.publish(&[&future]);
    node.publish(&[&old]);
    assert_eq!(shown(&node)[0].json, future);
}

#[test]
fn a_revocation_withdraws_its_publishers_copy_alone() {
    let (old, new) = (version("old.example", 2021, ""), version("new.example", 2022, ""));
    let revoked = version("gone.example", 2023, REVOKED);
    assert_eq!(seen(&[(SG, &old), (MY, &new), (MY, &revoked)]), ["old"]);
    assert_eq!(seen(&[(SG, &old), (SG, &revoked), (MY, &old)]), ["old"], "the same bytes");
    assert_eq!(seen(&[(SG, &old), (SG, &revoked)]), [""; 0]);
    let node = told(&[(SG, &old), (MY, &old), (SG, &revoked)]);
    let members = |node: &Peer| {
        let known = KnownValues::build(node.store()).unwrap();
        let question = Question::read("old.example");
        let answer = check(node.store(), &known, &Reader::operator(NOW_MS), &question).unwrap();
        answer
            .hits
            .into_iter()
            .flat_map(|hit| hit.object.members)
            .map(|code| code.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(members(&node), ["MY"], "SG stands behind it no more");
    let (revoked, again) = (version("gone.example", 2022, REVOKED), version("old.example", 2023, ""));
    let again = told(&[(SG, &old), (MY, &old), (SG, &revoked), (SG, &again)]);
    assert_eq!(members(&again), ["SG"]);
}

#[test]
fn collections_tell_of_a_revocation_when_nothing_else_is_left() {
    let (old, revoked) = (version("old.example", 2021, ""), version("gone.example", 2023, REVOKED));
    let collect = |node: &Peer, versions: Versions| {
        let selection = Selection { versions, ..Selection::default() };
        let reader = Reader::operator(NOW_MS);
        let page = collected(node.store(), &reader, &Collection::All, &selection, 0, 100).unwrap();
        page.objects.iter().map(|object| object.revoked).collect::<Vec<_>>()
    };
    let taken_back = told(&[(SG, &old), (SG, &revoked)]);
    assert_eq!(collect(&taken_back, Versions::Newest), [true]);
    assert_eq!(collect(&taken_back, Versions::All), [false, true]);
    let still_there = told(&[(SG, &old), (MY, &old), (SG, &revoked)]);
    assert_eq!(collect(&still_there, Versions::Newest), [false]);
    assert_eq!(versions(still_there.store(), ID, None).unwrap().objects.len(), 2);
}

#[test]
fn expiry_acts_when_its_time_comes_and_nothing_has_to_happen_for_it() {
    let text = version("a.example", 2021, r#""valid_until":"2030-01-01T00:00:00Z","#);
    let node = told(&[(SG, &text)]);
    let end_ms = 1_893_456_000_000;
    let known = KnownValues::build(node.store()).unwrap();
    for (now_ms, expected) in [(NOW_MS, 1), (end_ms - 1, 1), (end_ms, 0), (end_ms + 1, 0)] {
        let reader = Reader::operator(now_ms);
        let answer = check(node.store(), &known, &reader, &Question::read("a.example")).unwrap();
        assert_eq!(answer.hits.len(), expected);
        let all = (Collection::All, Selection::default());
        assert_eq!(collected(node.store(), &reader, &all.0, &all.1, 0, 9).unwrap().objects.len(), expected);
    }
}

#[test]
fn what_becomes_visible_again_arrives_again() {
    let (old, new) = (version("old.example", 2021, ""), version("new.example", 2022, ""));
    let revoked = version("gone.example", 2023, REVOKED);
    let node = told(&[(SG, &old), (MY, &new)]);
    let before = shown(&node)[0].arrival;
    let node = told(&[(SG, &old), (MY, &new), (MY, &revoked)]);
    let back = shown(&node);
    assert_eq!(back[0].json, old);
    assert!(back[0].arrival > before);
    assert_eq!(counts(node.store()).unwrap().objects, 3);
}

#[test]
fn several_versions_in_one_record_come_to_what_they_would_one_by_one() {
    let texts: Vec<_> =
        [2022, 2024, 2021, 2023].map(|year| version(&format!("y{year}.example"), year, &by(SG))).into();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let (mut sg, mut my) = (peer(SG), peer(MY));
    my.take_all(&sg.publish(&texts));
    let found = shown(&my);
    assert_eq!(found.len(), 1);
    assert!(found[0].json.contains("y2024"));
    assert_eq!(versions(my.store(), ID, None).unwrap().objects.len(), 4);
}

/// An indicator that speaks of very many addresses.
fn heavy(n: u32, terms: u32, year: u32) -> String {
    let mut list = String::new();
    for term in 0..terms {
        let _ = write!(list, "'10.{n}.{}.{}',", term / 250, term % 250);
    }
    let pattern = format!("[ipv4-addr:value IN ({})]", list.trim_end_matches(','));
    mesh::indicator(n, "x.example", year).replace("[domain-name:value = 'x.example']", &pattern)
}

fn known_addresses(node: &Peer, n: u32, terms: u32) -> usize {
    let (known, reader) = (KnownValues::build(node.store()).unwrap(), Reader::operator(NOW_MS));
    let is_known = |term: &u32| {
        let question = Question::read(&format!("10.{n}.{}.{}", term / 250, term % 250));
        check(node.store(), &known, &reader, &question).unwrap().is_known()
    };
    (0..terms).filter(is_known).count()
}

#[test]
fn a_record_that_swells_the_index_is_gone_through_in_portions_also_after_a_restart() {
    let mut sg = peer(SG);
    let texts: Vec<_> = (0..30).map(|n| heavy(n, 2_000, 2021)).collect();
    let parcels = sg.publish(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let mut my = peer(MY);
    my.take_all(&parcels);
    let first = counts(my.store()).unwrap().objects;
    assert!((1..30).contains(&first), "{first} at once");
    let mut my = Peer { now_ms: NOW_MS, ..Peer::with(membership(), MY, Arc::clone(&my.store)) };
    assert!(my.engine.has_more());
    my.resume();
    assert_eq!(counts(my.store()).unwrap().objects, 30);
    assert_eq!(shown(&my).len(), 30);
    assert_eq!(known_addresses(&my, 29, 2_000), 2_000);
}

#[test]
fn many_heavy_objects_that_are_replaced_at_once_move_in_portions() {
    let (mut sg, mut my) = (peer(SG), peer(MY));
    for n in 0..30 {
        my.take_all(&sg.publish(&[&heavy(n, 2_000, 2021)]));
    }
    let light: Vec<_> = (0..30).map(|n| mesh::indicator(n, "light.example", 2022)).collect();
    let parcels = sg.publish(&light.iter().map(String::as_str).collect::<Vec<_>>());
    my.take_all(&parcels);
    assert!(my.engine.has_more());
    let mut my = Peer { now_ms: NOW_MS, ..Peer::with(membership(), MY, Arc::clone(&my.store)) };
    my.resume();
    let found = shown(&my);
    assert_eq!(found.len(), 30);
    assert!(found.iter().all(|object| object.json.contains("light.example")));
    assert_eq!(known_addresses(&my, 3, 2_000), 0);
}
