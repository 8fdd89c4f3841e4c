//! That a value is known and listed for as long as its indicator holds, whatever stays beside it.

#![allow(clippy::unwrap_used, reason = "a test's own inputs")]

mod mesh;

use std::ops::ControlFlow;

use certmesh_engine::{KnownValues, Reader, check, listed};
use certmesh_intel::{Question, Tlp};
use mesh::{Peer, SG, indicator};

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
