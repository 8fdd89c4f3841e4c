//! That a value is known and listed for as long as its indicator holds, whatever stays beside it.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::ops::ControlFlow;

use certmesh_engine::limits::{HITS, ROWS_BEYOND};
use certmesh_engine::{Hit, How, KnownValues, Reader, check, listed};
use certmesh_intel::{Question, Tlp};
use mesh::{MY, Peer, SG, VN, indicator};

const OBSERVABLE: &str = r#"{"type":"domain-name","id":"domain-name--00000000-0000-4000-8000-000000000001","value":"evil.example"}"#;

/// Whether the value is known, and whether a feed has it.
fn seen(peer: &Peer) -> (bool, bool) {
    let reader = Reader { ceiling: Tlp::Red, now_ms: peer.now_ms };
    let known = KnownValues::build(peer.store()).unwrap();
    let answer = check(peer.store(), &known, &reader, &Question::read("evil[.]example")).unwrap();
    let mut values = Vec::new();
    let mut visit = |row: certmesh_engine::Listed| {
        values.push(row.value);
        ControlFlow::Continue(())
    };
    listed(peer.store(), &reader, &["domain-name"], None, &mut visit).unwrap();
    (answer.is_known(), values == ["evil.example"])
}

#[test]
fn a_bare_observable_warns_of_nothing() {
    let mut sg = Peer::new(SG);
    sg.publish(&[OBSERVABLE]);
    assert_eq!(seen(&sg), (false, false));
}

#[test]
fn a_value_ends_with_its_indicator() {
    let mut sg = Peer::new(SG);
    sg.publish(&[&indicator(1, "evil.example", 2021), OBSERVABLE]);
    assert_eq!(seen(&sg), (true, true));
    let revoked = indicator(1, "evil.example", 2022).replacen('{', "{\"revoked\":true,", 1);
    sg.publish(&[&revoked]);
    assert_eq!(seen(&sg), (false, false));
}

/// Whoever floods a value with reports, before others or after them, hides nobody's.
#[test]
fn what_a_member_reports_thousands_of_times_hides_nobody_elses_reports() {
    let (mut vn, mut sg, mut my) = (Peer::new(VN), Peer::new(SG), Peer::new(MY));
    let flood = |my: &mut Peer, from: u32, domain: &str| {
        let objects: Vec<_> = (from..from + 500).map(|n| indicator(n, domain, 2021)).collect();
        my.publish(&objects.iter().map(String::as_str).collect::<Vec<_>>())
    };
    vn.take_all(&flood(&mut my, 10_000, "www.evil.example"));
    vn.take_all(&sg.publish(&[&indicator(1, "www.evil.example", 2021), &indicator(2, "evil.example", 2021)]));
    vn.take_all(&flood(&mut my, 20_000, "www.evil.example"));
    vn.take_all(&flood(&mut my, 30_000, "a.www.evil.example"));
    vn.publish(&[&indicator(3, "sub.www.evil.example", 2021)]);

    let reader = Reader { ceiling: Tlp::Red, now_ms: vn.now_ms };
    let known = KnownValues::build(vn.store()).unwrap();
    let answer = check(vn.store(), &known, &reader, &Question::read("www.evil.example")).unwrap();
    assert!(answer.capped && answer.hits.len() == 256, "{}", answer.hits.len());
    let of = |code: &str| -> Vec<_> {
        let is_theirs = |hit: &&Hit| hit.object.members == [code.parse().unwrap()];
        answer.hits.iter().filter(is_theirs).map(|hit| hit.how).collect()
    };
    assert_eq!(of("SG"), [How::Exact, How::Parent]);
    assert_eq!(of("VN"), [How::Subdomain]);
    assert!(of("MY").iter().all(|how| *how == How::Exact), "what says most");
    assert_eq!(answer.confirmed_by, 3);
    assert!(answer.hits.is_sorted_by_key(|hit| hit.how));
}

/// A list that leaves a value out may have to be made anew when what keeps it out ends.
#[test]
fn what_is_left_out_tells_when_it_may_come_back() {
    let ends = |json: &str, year: u32| {
        json.replacen('{', &format!("{{\"valid_until\":\"{year}-01-01T00:00:00.000Z\","), 1)
    };
    let opinion = |n: u32| {
        format!(
            r#"{{"type":"opinion","spec_version":"2.1","id":"opinion--00000000-0000-4000-8000-{n:012}","created":"2021-01-01T00:00:00.000Z","modified":"2021-01-01T00:00:00.000Z","opinion":"strongly-disagree","object_refs":["indicator--00000000-0000-4000-8000-000000000001"]}}"#
        )
    };
    let listed_by = |peer: &Peer| {
        let (mut values, reader) = (0, Reader { ceiling: Tlp::Red, now_ms: peer.now_ms });
        let mut visit = |_| {
            values += 1;
            ControlFlow::Continue(())
        };
        let ends_ms = listed(peer.store(), &reader, &[], None, &mut visit).unwrap();
        (values, ends_ms)
    };
    let year_ms = |year: u64| (year - 1970) * 365 * 86_400_000 + (year - 1969) / 4 * 86_400_000;
    let (mut my, mut sg, mut vn) = (Peer::new(MY), Peer::new(SG), Peer::new(VN));
    sg.publish(&[&ends(&indicator(1, "evil.example", 2021), 2031)]);
    assert_eq!(listed_by(&sg), (1, None), "it tells of its own end itself");
    sg.take_all(&my.publish(&[&opinion(7)]));
    sg.take_all(&vn.publish(&[&ends(&opinion(8), 2030)]));
    assert_eq!(listed_by(&sg), (0, Some(year_ms(2030))), "an opinion ends first");
    sg.now_ms = year_ms(2030);
    assert_eq!(listed_by(&sg), (1, None));
    sg.take_all(&vn.publish(&[&opinion(9)]));
    assert_eq!(listed_by(&sg), (0, Some(year_ms(2031))), "then the report");
}

/// A row is counted for whose word it is, not for who published the text first.
#[test]
fn a_text_that_others_published_first_is_everybodys_word() {
    let (mut vn, mut sg, mut my) = (Peer::new(VN), Peer::new(SG), Peer::new(MY));
    let theirs = indicator(1, "evil.example", 2021);
    vn.take_all(&my.publish(&[&theirs]));
    vn.take_all(&sg.publish(&[&theirs]));
    for from in [10_000, 20_000] {
        let objects: Vec<_> = (from..from + 500).map(|n| indicator(n, "evil.example", 2021)).collect();
        vn.take_all(&my.publish(&objects.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    let reader = Reader { ceiling: Tlp::Red, now_ms: vn.now_ms };
    let known = KnownValues::build(vn.store()).unwrap();
    let answer = check(vn.store(), &known, &reader, &Question::read("evil.example")).unwrap();
    let is_theirs = |hit: &&Hit| hit.object.members.contains(&"SG".parse().unwrap());
    assert_eq!((answer.hits.len(), answer.hits.iter().filter(is_theirs).count()), (256, 1));
}

/// Hits that say less take the place of others up to a few.
#[test]
fn subdomains_by_the_thousand_leave_exact_reports_where_they_are() {
    let (mut vn, mut sg, mut my) = (Peer::new(VN), Peer::new(SG), Peer::new(MY));
    let reports: Vec<_> = (0..250).map(|n| indicator(n, "evil.example", 2021)).collect();
    vn.take_all(&sg.publish(&reports.iter().map(String::as_str).collect::<Vec<_>>()));
    let flood: Vec<_> =
        (0..500).map(|n| indicator(10_000 + n, &format!("n{n}.evil.example"), 2021)).collect();
    vn.take_all(&my.publish(&flood.iter().map(String::as_str).collect::<Vec<_>>()));
    let reader = Reader { ceiling: Tlp::Red, now_ms: vn.now_ms };
    let known = KnownValues::build(vn.store()).unwrap();
    let answer = check(vn.store(), &known, &reader, &Question::read("evil.example")).unwrap();
    let exact = answer.hits.iter().filter(|hit| hit.how == How::Exact).count();
    assert_eq!((answer.hits.len(), exact), (256, 248));
}

/// Not even by more than is gone through.
#[test]
fn who_came_first_is_hidden_by_no_flood() {
    let (mut my, mut sg) = (Peer::new(MY), Peer::new(SG));
    my.take_all(&sg.publish(&[&indicator(1, "www.evil.example", 2021), &indicator(2, "evil.example", 2021)]));
    let rows = u32::try_from(HITS + ROWS_BEYOND).unwrap() + 1_000;
    for from in (0..rows).step_by(1_000) {
        let objects: Vec<_> =
            (from..from + 1_000).map(|n| indicator(10_000 + n, "www.evil.example", 2021)).collect();
        my.publish(&objects.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let reader = Reader { ceiling: Tlp::Red, now_ms: my.now_ms };
    let known = KnownValues::build(my.store()).unwrap();
    let answer = check(my.store(), &known, &reader, &Question::read("www.evil.example")).unwrap();
    let is_theirs = |hit: &&Hit| hit.object.members == ["SG".parse().unwrap()];
    let theirs: Vec<_> = answer.hits.iter().filter(is_theirs).map(|hit| hit.how).collect();
    assert_eq!((answer.capped, theirs), (true, vec![How::Exact, How::Parent]));
}
