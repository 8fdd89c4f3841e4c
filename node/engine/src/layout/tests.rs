//! Values come back as they were, and keys sort and delimit themselves as the readers of ranges need it.

use certmesh_intel::Observable;
use certmesh_wire::{NodeId, RecordId};

use super::*;

#[test]
fn values_round_trip_and_damage_is_named() {
    let state =
        LogState { number: 7, next: 9, head: RecordId([3; 32]), roster: 1, bytes: 1 << 40, missing: 5 };
    assert_eq!(LogState::decode(&state.encode()), Ok(state));
    assert!(LogState::decode(&state.encode()[1..]).is_err());
    let object = StoredObject {
        arrival: 5,
        received_ms: 6,
        member: "SG".parse().unwrap(),
        node: NodeId([1; 32]),
        record: RecordId([2; 32]),
        tlp: Tlp::Green,
        revoked: true,
        ahead: true,
        id: "indicator--x".into(),
        json: "{\"é\": 1}".into(),
    };
    assert_eq!(StoredObject::decode(&super::object(5), &object.encode()), Ok(object));
    assert!(StoredObject::decode(&super::object(5), &[0; 50]).is_err());
}

#[test]
fn rows_and_versions_round_trip() {
    for row in [
        Row::default(),
        Row {
            valid_until_ms: Some(7),
            confidence: Some(0),
            partial: true,
            revoked: true,
            bare: true,
            arrival: Some(9),
            members: Members::of(["MY", "SG"].map(|code| code.parse().unwrap())),
        },
        Row { confidence: Some(100), ..Row::default() },
    ] {
        assert_eq!(Row::decode(&row.encode()), Ok(row));
    }
    assert!(Row::decode(&[]).is_err() && Row::decode(&[1]).is_err());
    let id = id("indicator--00000000-0000-4000-8000-00000000000a");
    let mut version = Version {
        class: Class::Foreign,
        member: "SG".parse().unwrap(),
        tlp: Tlp::Amber,
        modified: Some(-7),
        sha256: [9; 32],
        arrival: 5,
        stamp: 5,
        revoked: false,
        ahead: true,
    };
    for (modified, stamp) in [(Some(-7), 5), (None, 6)] {
        (version.modified, version.stamp) = (modified, stamp);
        let key = version.key(&id);
        assert_eq!(Version::decode(&key[versions(&id).len()..], &version.encode()), Ok(version.clone()));
    }
    assert!(Version::decode(&[], &version.encode()).is_err());
}

#[test]
fn versions_of_one_marking_sort_by_modified_and_then_by_the_higher_hash() {
    let code = "SG".parse().unwrap();
    let key = |modified, sha256| version(b"a", (Class::Owned, code, Tlp::Green), modified, &[sha256; 32]);
    let keys = [key(None, 9), key(Some(-5), 9), key(Some(0), 9), key(Some(7), 9), key(Some(7), 8)];
    assert!(keys.is_sorted());
    let prefix = versions_of(b"a", Class::Owned, code, Tlp::Green);
    assert!(keys[4] < end_of(&prefix) && keys[0] > prefix);
}

#[test]
fn ids_are_short_and_no_two_are_alike() {
    let uuid = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
    let canonical = id(&format!("indicator--{uuid}"));
    assert_eq!(canonical.len(), "indicator".len() + 1 + 16);
    let others = [
        format!("indicator--{}", uuid.to_uppercase()),
        format!("indicato--{uuid}"),
        format!("--{uuid}"),
        uuid.to_owned(),
        "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd30".into(),
        String::new(),
        "é".repeat(40),
        "x".repeat(1_000),
    ];
    for (at, one) in others.iter().enumerate() {
        assert!(!id(one).starts_with(&canonical) && !canonical.starts_with(&id(one)), "{one}");
        for other in &others[at + 1..] {
            assert!(!id(one).starts_with(&id(other)) && !id(other).starts_with(&id(one)), "{one} {other}");
        }
    }
}

#[test]
fn terms_delimit_themselves() {
    let label = |text: &str| Term::Label(text.into()).prefix(Tlp::Green);
    for (one, other) in [("a", "a\0b"), ("a", "ab"), ("", "\0"), ("a\0b", "a\0c"), ("\u{1}x", "\u{1}y")] {
        assert!(!label(one).starts_with(&label(other)) && !label(other).starts_with(&label(one)), "{one:?}");
    }
    assert!(label(&"x".repeat(100_000)).len() < 300);
}

#[test]
fn keys_of_observables_come_apart_again() {
    for (kind, value) in [
        ("ipv4-addr", "203.0.113.7"),
        ("ipv4-addr", "203.0.113.0/24"),
        ("ipv4-addr", "0.0.0.0/0"),
        ("ipv6-addr", "2001:db8::1"),
        ("ipv6-addr", "2001:db8::/32"),
        ("domain-name", "evil.example.com"),
        ("domain-name", "not a name"),
        ("url", "http://evil.example/?a=b"),
        ("file-md5", "d41d8cd98f00b204e9800998ecf8427e"),
    ] {
        let observable = Observable { value: value.into(), kind: kind.into() };
        let key = observable.key();
        assert_eq!(observable_text(&key).as_deref(), Some(value));
        let row = Term::Observable(key.clone()).row(Tlp::Red, 0x0001_0000_0100_0001, kind.as_bytes());
        assert_eq!(live_observable(&row), Some((Tlp::Red as u8, &key[..])));
        let (found, rest) = split_observable(&row[2..]).unwrap();
        assert_eq!((found, split_number(rest)), (&key[..], Ok((0x0001_0000_0100_0001, kind.as_bytes()))));
    }
    let long = Observable { value: "x".repeat(5_000), kind: "url".into() };
    assert_eq!(observable_text(&long.key()), None);
    for damaged in [&b""[..], b"4", b"6abc", b"d", b"da", b"v", b"vabc"] {
        assert_eq!(split_observable(damaged), None);
    }
}
