//! What objects speak of, and that a typed value finds it.

use proptest::prelude::*;
use serde_json::json;

use super::{MAX_OBSERVABLES, Observable, questions};
use crate::object::Object;
use crate::pattern::{Path, Step};

fn of(mut object: serde_json::Value) -> Vec<String> {
    let id = format!("{}--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", object["type"].as_str().unwrap());
    object["id"] = id.into();
    let json = object.to_string();
    let observables = super::of(&Object::read(&json).unwrap());
    observables.into_iter().map(|one| format!("{}={}", one.kind, one.value)).collect()
}

fn of_pattern(pattern: &str) -> Vec<String> {
    of(json!({"type": "indicator", "pattern": pattern, "pattern_type": "stix"}))
}

#[test]
fn patterns_name_what_they_compare() {
    for (pattern, expected) in [
        ("[domain-name:value = 'Evil.COM.']", "domain-name=evil.com"),
        ("[domain-name:value = '203.0.113.7']", "ipv4-addr=203.0.113.7"),
        ("[ipv4-addr:value = '203.0.113.0/24']", "ipv4-addr=203.0.113.0/24"),
        ("[ipv4-addr:value = '2001:DB8::1']", "ipv6-addr=2001:db8::1"),
        ("[url:value = 'HTTP://A.com/B']", "url=http://a.com/B"),
        ("[email-message:from_ref.value = 'Joe@A.com']", "email-addr=joe@a.com"),
        (
            "[network-traffic:dst_ref.value = '1.2.3.4' AND network-traffic:dst_ref.type = 'ipv4-addr']",
            "ipv4-addr=1.2.3.4",
        ),
        ("[domain-name:resolves_to_refs[*].value = '1.2.3.4']", "ipv4-addr=1.2.3.4"),
        ("[domain-name:resolves_to_refs[*].value = 'B.com']", "domain-name=b.com"),
        ("[file:hashes.'SHA-256' = 'AB']", "file-sha256=ab"),
        ("[file:hashes.sha256 = 'AB']", "file-sha256=ab"),
        ("[file:hashes.MD5 = 'AB']", "file-md5=ab"),
        ("[process:image_ref.hashes.'SHA-1' = 'AB']", "file-sha1=ab"),
        ("[x509-certificate:hashes.'SHA-1' = 'AB']", "certificate-sha1=ab"),
        ("[file:name = 'A.exe']", "file-name=A.exe"),
        ("[app:id = 'com.Evil']", "app:id=com.Evil"),
        (
            "[app:cert.sha1 = 'ABCDEF0123456789ABCDEF0123456789ABCDEF01']",
            "app:cert.sha1=abcdef0123456789abcdef0123456789abcdef01",
        ),
        ("[autonomous-system:number = 15169]", "autonomous-system=15169"),
    ] {
        assert_eq!(of_pattern(pattern), [expected], "{pattern}");
    }
    assert!(of_pattern("[file:name = '  ']").is_empty());
}

#[test]
fn only_stix_patterns_are_read() {
    let with = |pattern_type: serde_json::Value| {
        of(json!({"type": "indicator", "pattern": "[a:b = 'x']", "pattern_type": pattern_type}))
    };
    assert_eq!(with(json!("stix")), ["a:b=x"]);
    assert_eq!(with(json!(null)), ["a:b=x"]);
    assert!(with(json!("yara")).is_empty());
}

#[test]
fn observable_objects_name_themselves() {
    for (object, expected) in [
        (json!({"type": "domain-name", "value": "A.com"}), &["domain-name=a.com"][..]),
        (json!({"type": "ipv6-addr", "value": "2001:DB8::1"}), &["ipv6-addr=2001:db8::1"]),
        (json!({"type": "autonomous-system", "number": 15169, "name": "G"}), &["autonomous-system=15169"]),
        (json!({"type": "mutex", "name": "M"}), &["mutex=M"]),
        (
            json!({"type": "file", "name": "x", "hashes": {"MD5": "AA", "SHA-256": "bb", "z": 1}}),
            &["file-md5=aa", "file-sha256=bb", "file-name=x"],
        ),
        (json!({"type": "file", "hashes": [], "name": {}}), &[]),
        (json!({"type": "malware", "name": "x", "value": "y"}), &[]),
    ] {
        assert_eq!(of(object.clone()), expected, "{object}");
    }
}

#[test]
fn observables_are_sorted_single_and_capped() {
    assert_eq!(of_pattern("[a:b = 'y' OR a:b = 'x' OR a:b = 'y']"), ["a:b=x", "a:b=y"]);
    let terms: Vec<_> = (0..5_000).map(|i| format!("a:b = '{i}'")).collect();
    assert_eq!(of_pattern(&format!("[{}]", terms.join(" OR "))).len(), MAX_OBSERVABLES);
}

#[test]
fn questions_are_few() {
    for (value, expected) in [
        ("weather4free.com", &["weather4free.com"][..]),
        (" Evil[.]com ", &["Evil[.]com", "evil.com"]),
        ("203.0.113.7", &["203.0.113.7"]),
        (
            "D41D8CD98F00B204E9800998ECF8427E",
            &["D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"],
        ),
        ("http://a.com/B", &["http://a.com/B", "http://a.com/b"]),
        ("", &[]),
    ] {
        assert_eq!(questions(value), expected);
    }
}

#[test]
fn keys_are_bounded_and_unambiguous() {
    let key = |value: &str| Observable::lookup_key(value);
    assert_eq!(key("a.com"), b"a.com\0");
    assert_eq!(key(&"x".repeat(2_048)).len(), 2_049);
    let hashed = key(&"x".repeat(2_049));
    assert_eq!((hashed.len(), hashed[0]), (66, 1));
    let value = std::str::from_utf8(&hashed[..65]).unwrap();
    for other in [value, "a\0b", "a"] {
        assert_ne!(key(other), hashed);
        assert_eq!(key(other).iter().filter(|byte| **byte == 0).count(), 1);
    }
    let one = Observable { value: "a.com".into(), kind: "domain-name".into() };
    assert_eq!(one.key(), b"a.com\0domain-name");
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
            prop_assert!(questions(&value).contains(&one.value), "{one:?}");
            prop_assert!(questions(&one.value).contains(&one.value), "{one:?}");
        }
    }
}
