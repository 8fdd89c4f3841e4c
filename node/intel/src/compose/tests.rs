//! That what is made of values is what the standard asks for, and what a person reads of it.

use serde_json::Value;

use super::{Author, Notice, compose, insistence};
use crate::object::Object;
use crate::recognise::recognise;
use crate::tlp::Tlp;
use crate::validate::validate;

fn notice() -> Notice {
    Notice {
        author: Some(Author {
            identity: "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".into(),
            name: "Sing\"CERT".into(),
        }),
        now_ms: 1_767_225_600_000,
        tlp: Tlp::Amber,
        labels: vec!["c2".into(), "apt".into()],
        confidence: Some(80),
        valid_until_ms: Some(1_767_312_000_000),
        note: Some("seen in \"Operation X\"".into()),
    }
}

fn of(values: &[&str], notice: &Notice) -> Vec<String> {
    let values: Vec<_> = values.iter().map(|value| recognise(value).unwrap()).collect();
    let mut counter = 0;
    compose(&values, notice, &mut || {
        counter += 1;
        [counter; 16]
    })
}

fn ids(values: &[&str]) -> Vec<String> {
    let bare = Notice { author: None, ..notice() };
    let texts = of(values, &bare);
    texts.iter().map(|text| Object::read(text).unwrap().id().to_owned()).collect()
}

#[test]
fn an_address_becomes_four_objects() {
    insta::assert_snapshot!(of(&["203.0.113[.]7"], &notice()).join("\n"));
}

#[test]
fn everything_that_is_made_is_valid_and_marked() {
    let values = [
        "evil.example",
        "203.0.113.0/24",
        "2001:db8::1",
        "http://evil.example/it's",
        "joe@evil.example",
        "AS64496",
        "d41d8cd98f00b204e9800998ecf8427e",
        "evil.exe",
        r"C:\evil.exe",
        r"HKLM\Software\Evil",
        "mutex:it's \\ \"x\"",
        "user-agent:Evil/1.0",
        "user-account:joe",
        "CVE-2021-44228",
        "aa:bb:cc:00:11:22",
        "certificate-sha1:AB:CD",
    ];
    let values = values.iter().filter(|value| recognise(value).is_ok()).copied().collect::<Vec<_>>();
    assert_eq!(values.len(), 15);
    let bare = Notice {
        author: None,
        labels: Vec::new(),
        confidence: None,
        valid_until_ms: None,
        note: None,
        ..notice()
    };
    for notice in [notice(), bare] {
        for text in of(&values, &notice) {
            let object = validate(&text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            let expected = if object.object_type() == "identity" { Tlp::Clear } else { Tlp::Amber };
            assert_eq!(object.own_tlp(), Some(expected), "{text}");
        }
    }
}

#[test]
fn observables_have_the_ids_that_all_tools_give_them() {
    // As the OASIS library (PyPI: stix2) has them.
    for (value, id) in [
        ("198.51.100.3", "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"),
        ("203.0.113.0/24", "ipv4-addr--a0895f10-d89d-56ad-a4a4-dc873ee08b8c"),
        ("example.com", "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"),
        ("https://example.com/research/index.html", "url--47c3cf9a-5027-5bf0-997a-017c7edc7c55"),
        ("john@example.com", "email-addr--7165e2a9-671f-585d-b1e1-ca59c671d934"),
        ("d2:fb:49:24:37:18", "mac-addr--757b1725-9903-54f5-a855-1240691d7659"),
        ("mutex:__CLEANSWEEP__", "mutex--f93fe911-e545-5239-b9b0-597840d0c871"),
        ("mutex:it's \\ \"x\" é", "mutex--86d2c414-ad05-5b0d-8b2d-6519c10fc025"),
        ("AS15139", "autonomous-system--3aa27478-50b5-5ab8-9da9-cdc12b657fff"),
        (&"AB".repeat(32), "file--20432b06-75d2-54b6-80ef-6d923b5d925d"),
        ("d41d8cd98f00b204e9800998ecf8427e", "file--02fff920-f614-527c-81d1-6353633a6d21"),
        ("evil.exe", "file--3974613c-1980-5209-8f08-17920a04da04"),
        (r"HKLM\Software\Evil", "windows-registry-key--ca33e681-1d6b-5159-b591-351b1d981990"),
        (
            &format!("certificate-sha1:{}", "ab".repeat(20)),
            "x509-certificate--8e325068-80a6-5f21-9c06-0e0569fe6712",
        ),
        ("user-account:joe", "user-account--b699345e-98ab-5d98-93d9-252d59999d4c"),
    ] {
        assert_eq!(ids(&[value])[0], id, "{value}");
    }
}

#[test]
fn labels_say_what_is_indicated() {
    let types = |labels: &[&str]| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let texts = of(&["evil.example"], &Notice { labels, author: None, ..notice() });
        serde_json::from_str::<Value>(&texts[1]).unwrap()["indicator_types"].clone()
    };
    assert_eq!(types(&["C2", "phishing", "x"]), serde_json::json!(["malicious-activity"]));
    assert_eq!(types(&["tor", "unknown"]), serde_json::json!(["anonymization", "unknown"]));
    assert_eq!(types(&["x"]), Value::Null);
}

#[test]
fn the_reason_for_insisting_is_kept() {
    let ids = ["indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f".to_owned()];
    let note =
        insistence(&ids, &["8.8.8.8: it is a public resolver".into()], "it is hijacked", &notice(), [7; 16]);
    insta::assert_snapshot!(note);
    assert_eq!(validate(&note).unwrap().references().last().unwrap().1, ids[0]);
}
