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

#[test]
fn a_url_and_a_mailbox_find_their_host() {
    let wider = |text: &str| Question::read(text).wider().collect::<Vec<_>>();
    let names = [name("login.evil.com"), name("evil.com")];
    for text in [
        "hxxps://login.evil[.]com/a#b",
        "joe@login.evil.com",
        "login.evil.com/a",
        "http://x@login.evil.com:81",
    ] {
        assert_eq!(wider(text), names, "{text}");
        assert_eq!(Question::read(text).narrower(), None, "{text}");
    }
    let question = Question::read("http://203.0.113.7/");
    assert_eq!(question.wider().next(), Some(network("203.0.113.7")));
    assert_eq!((question.network_lengths(), question.network(33)), (0..33, None));
}

#[test]
fn a_url_is_found_without_what_people_leave_out() {
    let finds = |typed: &str, said: &str| Question::read(typed).exact().contains(&value("url", said).key());
    for (typed, said) in [
        ("evil.com/a", "http://evil.com/a"),
        ("evil[.]com/a", "https://evil.com/a"),
        ("evil.com:80", "http://evil.com"),
        ("http://evil.com/a#b", "http://evil.com/a"),
        ("http://evil.com/a#b", "http://evil.com/a#b"),
        ("http://evil.com", "http://evil.com/#"),
    ] {
        assert!(finds(typed, said), "{typed} {said}");
    }
    // A page of a site is not the site.
    assert!(!finds("http://evil.com/", "http://evil.com/#/page"));
}

#[test]
fn things_are_found_in_any_notation() {
    for (object_type, property, said, typed) in [
        ("mac-addr", "value", "aa:bb:cc:00:11:22", "AABB.CC00.1122"),
        ("autonomous-system", "number", "15169", "AS15169"),
        ("windows-registry-key", "key", "HKEY_LOCAL_MACHINE\\Software\\Evil", "HKLM\\SOFTWARE\\evil"),
        ("file", "name", "C:\\Temp\\Evil.exe", "c:\\temp\\evil.EXE"),
        ("file", "name", "evil.exe", "evil[.]exe"),
        ("vulnerability", "name", "CVE-2021-44228", "cve 2021-44228"),
        (
            "x-cryptocurrency-wallet",
            "address",
            "0xAB5801A7D398351B8BE11C439E05C5B3259AEC9B",
            "0xab5801a7d398351b8be11c439e05c5b3259aec9b",
        ),
        ("ipv6-addr", "value", "::ffff:203.0.113.7", "203.0.113.7"),
        ("domain-name", "value", "*.Bücher.example", "xn--bcher-kva.example"),
        (
            "x",
            "tlsh",
            "6FF02BEF718027B0160662391212E85D7CA63D5C8C1B8CA2C7B6B1B4B8E7D1AC15B2E0",
            "6FF02BEF718027B0160662391212E85D7CA63D5C8C1B8CA2C7B6B1B4B8E7D1AC15B2E0",
        ),
    ] {
        let path = Path { object_type, steps: vec![Step::Name(property.into())] };
        let one = Observable::new(&path, said).unwrap();
        assert!(Question::read(typed).exact().contains(&one.key()), "{typed}");
        assert!(Question::read(typed).exact().len() <= 5, "{typed}");
    }
}

/// What people make of a value before they send it.
fn defanged(value: &str, style: usize) -> String {
    let dots =
        ["[.]", "(.)", "{.}", "[dot]", "(DOT)", " dot ", "\\.", "．", "[.", ".]", " [.] ", "\u{200b}."];
    let ats = ["[at]", "(at)", "[@]", "@"];
    let schemes = ["hxxp", "hXXp", "h**p", "http"];
    let marks = ["://", "[://]", "[:]//", ":[//]"];
    let text = value.replace('.', dots[style % dots.len()]).replace('@', ats[style % ats.len()]);
    let text = text.replace("://", marks[style / 4 % marks.len()]);
    text.strip_prefix("http")
        .map_or(text.clone(), |rest| format!("{}{rest}", schemes[style / 2 % schemes.len()]))
}

proptest! {
    #[test]
    fn defanged_values_find_what_was_meant(
        value in prop_oneof![
            "[a-z0-9]{1,8}(\\.[a-z]{2,5}){1,3}", "[1-9][0-9]?(\\.[1-9][0-9]?){3}(/[12][0-9])?",
            "https?://[a-z]{1,8}\\.[a-z]{2,5}(:8[0-9]{3})?(/[a-z]{0,4}){0,2}(\\?[a-z]=1)?", "[a-z]{1,3}(\\.[a-z]{1,3})?@[a-z]{1,8}\\.[a-z]{2,5}",
        ],
        style in any::<usize>(),
    ) {
        let one = Observable::new(&Path { object_type: "x", steps: ["x_ref", "value"].map(|name| Step::Name(name.into())).into() }, &value).unwrap();
        prop_assert!(!one.kind.contains(':'), "{one:?}");
        let typed = defanged(&value, style);
        prop_assert!(Question::read(&typed).exact().contains(&one.key()), "{typed} for {one:?}");
    }

    #[test]
    fn what_is_typed_finds_what_is_said(
        path in prop::sample::select(vec![
            "domain-name:value", "ipv4-addr:value", "url:value", "email-addr:value", "mac-addr:value", "file:name",
            "file:hashes.X", "autonomous-system:number", "app:id", "network-traffic:dst_ref.value", "file:path",
            "windows-registry-key:key", "vulnerability:name", "cryptocurrency-wallet:value", "mutex:name",
            "x509-certificate:serial_number", "network-traffic:extensions.http-request-ext.request_header.Host",
            "process:image_ref.name",
        ]),
        value in prop_oneof![
            "\\PC{0,30}", "[a-fA-F0-9.:\\[\\]()@/ -]{0,40}", "[0-9A-Fa-f]{32}", "AS[0-9]{1,6}(\\.[0-9]{1,3})?",
            "(hxxps?|HTTP)(://|\\[:\\]//)[A-Z.\\[\\]]{1,12}(:[0-9]{1,3})?/?[A-Z%#é]{0,4}", "([0-9A-F]{2}[:-]){5,9}[0-9A-F]{2}",
            "[0-9]{1,3}(\\[?\\.\\]?[0-9]{1,3}){3}(/[0-9]{1,3})?", "(C:|HKLM)\\\\[A-Z\\\\.]{0,9}", "CVE[- ]20[0-9]{2}-[0-9]{3,5}",
        ],
    ) {
        let (object_type, steps) = path.split_once(':').unwrap();
        let steps = steps.split('.').map(|name| Step::Name(name.into())).collect();
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
