//! What typed values are taken for, and that the question finds what was published.

use proptest::prelude::*;

use super::{Unrecognised, kinds, recognise};
use crate::pattern::parse;
use crate::question::Question;

fn seen(text: &str) -> String {
    match recognise(text) {
        Ok(found) => format!("{} {}", found.kind(), found.value()),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn shapes_tell_what_things_are() {
    let sha256 = "AB".repeat(32);
    for (text, expected) in [
        ("203.0.113.7", "ipv4-addr 203.0.113.7"),
        (" 203[.]0[.]113[.]7/24 ", "ipv4-addr 203.0.113.0/24"),
        ("[2001:DB8::1]", "ipv6-addr 2001:db8::1"),
        ("2001:db8::/32", "ipv6-addr 2001:db8::/32"),
        ("Evil[.]Example", "domain-name evil.example"),
        ("*.evil.example", "domain-name evil.example"),
        ("hxxps://Evil[.]example/A", "url https://evil.example/A"),
        ("Joe[at]evil[.]example", "email-addr joe@evil.example"),
        ("D41D8CD98F00B204E9800998ECF8427E", "file-md5 d41d8cd98f00b204e9800998ecf8427e"),
        (&sha256, &format!("file-sha256 {}", sha256.to_lowercase())),
        ("3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", "file-ssdeep 3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"),
        ("cve-2021-44228", "vulnerability CVE-2021-44228"),
        ("AS15169", "autonomous-system 15169"),
        ("AA-BB-CC-00-11-22", "mac-addr aa:bb:cc:00:11:22"),
        (r"HKLM\Software\Evil", r"windows-registry-key HKEY_LOCAL_MACHINE\Software\Evil"),
        (r"C:\\Temp\Evil.exe", r"file-path C:\Temp\Evil.exe"),
        ("/tmp/.evil", "file-path /tmp/.evil"),
        ("evil.exe", "file-name evil.exe"),
        ("report.txt", "file-name report.txt"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "cryptocurrency-wallet 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
        (r"mutex:Global\evil", r"mutex Global\evil"),
        ("file-name:evil.zip", "file-name evil.zip"),
        ("domain-name:evil.zip", "domain-name evil.zip"),
        ("user-agent:Evil/1.0 (x)", "user-agent Evil/1.0 (x)"),
        (&format!("file-sha3-256:{sha256}"), &format!("file-sha3-256 {}", sha256.to_lowercase())),
    ] {
        assert_eq!(seen(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_clear_is_refused_with_the_reason() {
    for (text, words) in [
        ("", "empty"),
        (" ", "empty"),
        ("evil.zip", "may be a domain-name or a file-name"),
        ("evil.example/login", "lacks its scheme"),
        ("evil.example:8080", "has a port"),
        ("203.0.113.7:443", "has a port"),
        ("AABBCC001122", "nothing that is recognised"),
        (&"a".repeat(63), "has 63 hexadecimal digits"),
        ("15169", "nothing that is recognised"),
        ("hello", "nothing that is recognised"),
        ("http://", "is no URL"),
        (r"\\", "is no"),
        ("evil.example/a://b", "lacks its scheme"),
        ("ipv4-addr:evil.example", "is no IPv4 address"),
        ("ipv4-addr:::1", "is no IPv4 address"),
        ("domain-name:203.0.113.7", "is no domain name"),
        ("file-sha256:abcd", "is no SHA-256 hash"),
        ("mutex:", "is no mutex"),
        ("mutex:a\u{1b}[2J", "\"a\\u{1b}[2J\" is no mutex"),
    ] {
        let got = seen(text);
        assert!(got.contains(words), "{text}: {got}");
    }
    assert_eq!(recognise(&"x".repeat(20_000)), Err(Unrecognised::TooLong(20_000)));
}

#[test]
fn every_kind_can_be_published_and_found() {
    for kind in kinds() {
        let example = match kind {
            "ipv4-addr" => "203.0.113.7",
            "ipv6-addr" => "2001:db8::1",
            "url" => "http://evil.example/it's",
            "email-addr" => "joe@evil.example",
            "mac-addr" => "aa:bb:cc:00:11:22",
            "autonomous-system" => "AS64496",
            "vulnerability" => "CVE-2021-44228",
            "cryptocurrency-wallet" => "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "windows-registry-key" => r"HKCU\Software\it's",
            "file-ssdeep" => "3:abc:def",
            "file-tlsh" => &"A".repeat(70),
            "file-sha384" => &"A".repeat(96),
            "file-sha224" => &"A".repeat(56),
            _ if kind.ends_with("sha256") || kind.ends_with("sha3-256") => &"A".repeat(64),
            _ if kind.ends_with("512") => &"A".repeat(128),
            _ if kind.ends_with("md5") => &"A".repeat(32),
            _ if kind.ends_with("sha1") => &"A".repeat(40),
            _ => r"evil.example",
        };
        let found = recognise(&format!("{kind}:{example}")).unwrap_or_else(|fault| panic!("{kind}: {fault}"));
        assert_eq!(found.kind(), kind);
        let observable = found.observable();
        assert_eq!(observable.kind, kind, "{observable:?}");
        assert!(Question::read(example).exact().contains(&observable.key()), "{observable:?}");
        if let Some(pattern) = found.pattern() {
            parse(&pattern).unwrap_or_else(|fault| panic!("{pattern}: {fault}"));
        }
    }
}

proptest! {
    #[test]
    fn patterns_are_sound_and_questions_find_them(text in prop_oneof![
        "\\PC{1,30}", "(mutex|file-name|user-agent|file-path):\\PC{1,30}", "[a-z'\\\\]{1,9}\\.(com|exe)",
        "http://[a-z]{1,5}\\.com/[a-z'\\\\ %]{0,9}",
    ]) {
        if let Ok(found) = recognise(&text) {
            let (kind, value) = (found.kind(), found.value());
            let again = recognise(&format!("{kind}:{value}")).map(|again| again.value().to_owned());
            prop_assert_eq!(again.as_deref(), Ok(value));
            let key = found.observable().key();
            prop_assert!(Question::read(value).exact().contains(&key), "{:?}", found);
            if let Some(pattern) = found.pattern() {
                prop_assert!(parse(&pattern).is_ok(), "{}", pattern);
            }
        }
    }
}
