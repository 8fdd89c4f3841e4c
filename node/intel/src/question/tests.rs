//! That a typed value finds what objects say, what contains it and what it contains.

use proptest::prelude::*;

use super::Question;
use crate::observable::Observable;
use crate::pattern::{Path, Step};

fn value(property: &str, value: &str) -> Observable {
    Observable::new(&Path { object_type: property, steps: vec![Step::Name("value".into())] }, value).unwrap()
}

fn network(text: &str) -> Vec<u8> {
    value("ipv4-addr", text).key()
}

fn name(text: &str) -> Vec<u8> {
    value("domain-name", text).key()
}

#[test]
fn keys_are_few() {
    for (text, keys) in [
        ("weather4free.com", &[&b"vweather4free.com\0"[..], b"dcom\0weather4free\0\x01"][..]),
        ("203.0.113.7", &[b"v203.0.113.7\0", &[b'4', 203, 0, 113, 7, 32]]),
        ("d41d8cd98f00b204e9800998ecf8427e", &[b"vd41d8cd98f00b204e9800998ecf8427e\0"]),
        ("", &[]),
        (" \t", &[]),
    ] {
        assert_eq!(Question::read(text).exact(), keys, "{text}");
    }
}

#[test]
fn an_address_finds_the_networks_that_hold_it() {
    let question = Question::read("203.0.113[.]7");
    let wider: Vec<_> = question.wider().collect();
    assert_eq!(wider.len(), 32);
    assert_eq!((&wider[0], &wider[31]), (&network("203.0.113.6/31"), &network("0.0.0.0/0")));
    assert_eq!(question.network(24), Some(network("203.0.113.0/24")));
    assert_eq!((question.network_lengths(), question.network(32), question.narrower()), (0..32, None, None));
    assert_eq!(Question::read("2001:db8::1").wider().count(), 128);
    let question = Question::read("203.0.113.0/24");
    assert_eq!(question.wider().next(), Some(network("203.0.112.0/23")));
    let (from, to) = question.narrower().unwrap();
    let inside = |text: &str| (from.clone()..to.clone()).contains(&network(text));
    assert!(inside("203.0.113.0") && inside("203.0.113.255") && inside("203.0.113.0/25"));
    assert!(!inside("203.0.113.0/24") && !inside("203.0.113.0/23") && !inside("203.0.114.0"));
}

#[test]
fn a_name_finds_its_parents_and_its_sub_domains() {
    let question = Question::read("a.b.Evil[.]example.com");
    let wider: Vec<_> = question.wider().collect();
    assert_eq!(wider, [name("b.evil.example.com"), name("evil.example.com"), name("example.com")]);
    let (from, to) = Question::read("example.com").narrower().unwrap();
    let below = |text: &str| (from.clone()..to.clone()).contains(&name(text));
    assert!(below("a.b.evil.example.com") && !below("example.com") && !below("evilexample.com"));
    assert_eq!((Question::read("com").narrower(), Question::read("co.id").narrower()), (None, None));
    assert_eq!(Question::read("evil.co.id").wider().count(), 0);
}

proptest! {
    #[test]
    fn what_is_typed_finds_what_is_said(
        (object_type, property) in prop::sample::select(vec![
            ("domain-name", "value"), ("ipv4-addr", "value"), ("url", "value"), ("email-addr", "value"),
            ("mac-addr", "value"), ("file", "name"), ("file", "hashes"), ("autonomous-system", "number"),
            ("app", "id"), ("network-traffic", "dst_ref"),
        ]),
        value in prop_oneof![
            "\\PC{0,30}", "[a-fA-F0-9.:\\[\\]()@/ -]{0,40}", "[0-9A-Fa-f]{32}", "AS[0-9]{1,6}",
            "(hxxps?|HTTP)(://|\\[:\\]//)[A-Z.\\[\\]]{1,12}/[A-Z]?", "([0-9A-F]{2}-){5}[0-9A-F]{2}",
            "[0-9]{1,3}(\\[?\\.\\]?[0-9]{1,3}){3}(/[0-9]{1,3})?",
        ],
    ) {
        let mut steps = vec![Step::Name(property.into())];
        if property.ends_with("_ref") || property == "hashes" {
            steps.push(Step::Name("value".into()));
        }
        if let Some(one) = Observable::new(&Path { object_type, steps }, &value) {
            prop_assert!(Question::read(&value).exact().contains(&one.key()), "{one:?}");
            prop_assert!(Question::read(&one.value).exact().contains(&one.key()), "{one:?}");
        }
    }

    #[test]
    fn the_range_inside_is_what_the_network_holds(
        a in any::<u32>(), a_len in 0u8..=32, bits in any::<u32>(), b_len in 0u8..=32,
    ) {
        // Half of the second ones share some leading bits with the first, or random ones would never meet.
        let b = if b_len % 2 == 0 { bits } else { a ^ (bits >> 1 >> (bits % 31)) };
        let cidr = |bits: u32, len: u8| format!("{}/{len}", std::net::Ipv4Addr::from_bits(bits));
        let (outer, inner) = (Question::read(&cidr(a, a_len)), network(&cidr(b, b_len)));
        let shift = |bits: u32| u64::from(bits) >> (32 - u32::from(a_len));
        let holds = b_len > a_len && shift(a) == shift(b);
        prop_assert_eq!(outer.narrower().is_some_and(|(from, to)| (from..to).contains(&inner)), holds);
        let is_wider = Question::read(&cidr(b, b_len)).wider().any(|key| key == network(&cidr(a, a_len)));
        prop_assert_eq!(is_wider, holds);
    }
}
