//! The forms that strings can be asked to have.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A form of a string, and the rule in words.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) fits: fn(&str) -> bool,
    /// Completes "it must be …".
    pub(super) rule: &'static str,
}

pub(super) static HEX: Form = Form {
    fits: |text| {
        !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit())
    },
    rule: "pairs of hexadecimal digits",
};
pub(super) static BASE64: Form = Form { fits: is_base64, rule: "base64 (RFC 4648)" };
pub(super) static URL: Form = Form { fits: is_url, rule: "a URL (RFC 3986), such as https://example.com/" };
pub(super) static LANGUAGE: Form =
    Form { fits: is_language, rule: "a language tag (RFC 5646), such as en or pt-BR" };
pub(super) static MEDIA_TYPE: Form =
    Form { fits: is_media_type, rule: "a media type, such as application/octet-stream" };
pub(super) static CHARACTER_SET: Form = Form {
    fits: |text| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_().+:-".contains(&b))
    },
    rule: "the name of a character set, such as UTF-8",
};
pub(super) static IPV4: Form = Form {
    fits: |text| is_network(text, 32, |address| address.parse::<Ipv4Addr>().is_ok()),
    rule: "an IPv4 address or network, such as 203.0.113.7 or 203.0.113.0/24",
};
pub(super) static IPV6: Form = Form {
    fits: |text| is_network(text, 128, is_ipv6),
    rule: "an IPv6 address or network, such as 2001:db8::1 or 2001:db8::/32",
};
pub(super) static MAC: Form =
    Form { fits: is_mac, rule: "a MAC address in lower case with colons, such as d2:fb:49:24:37:18" };
pub(super) static DOMAIN: Form = Form { fits: is_domain, rule: "a domain name (RFC 1034, RFC 5890)" };
pub(super) static MAILBOX: Form =
    Form { fits: is_mailbox, rule: "an e-mail address without a display name (RFC 5322)" };
pub(super) static REGISTRY_KEY: Form = Form {
    fits: is_registry_key,
    rule: "a registry key with its hive in full, such as HKEY_LOCAL_MACHINE\\System",
};
pub(super) static CPE: Form =
    Form { fits: is_cpe, rule: "a CPE 2.3 name (NIST IR 7695), which begins with cpe:2.3:" };
pub(super) static VERSION: Form =
    Form { fits: is_version, rule: "a version such as 1.0.0 (Semantic Versioning)" };
pub(super) static RELATIONSHIP: Form = Form {
    fits: |text| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    },
    rule: "lower-case letters, digits and hyphens, such as related-to",
};
pub(super) static CVE: Form = Form { fits: is_cve, rule: "the id of a CVE, such as CVE-2024-3094" };
pub(super) static CAPEC: Form = Form {
    fits: |text| text.strip_prefix("CAPEC-").is_some_and(is_number),
    rule: "the id of a CAPEC entry, such as CAPEC-163",
};
pub(super) static WHOLE_SECONDS: Form = Form {
    fits: |text| !text.contains('.') && crate::timestamp::is_utc(text),
    rule: "a time in UTC of whole seconds, such as 2026-01-31T08:00:00Z",
};
pub(super) static MD5: Form = Form { fits: |text| is_digest(text, 32), rule: "32 hexadecimal digits" };
pub(super) static SHA1: Form = Form { fits: |text| is_digest(text, 40), rule: "40 hexadecimal digits" };
pub(super) static SHA256: Form = Form { fits: |text| is_digest(text, 64), rule: "64 hexadecimal digits" };
pub(super) static SHA512: Form = Form { fits: |text| is_digest(text, 128), rule: "128 hexadecimal digits" };
pub(super) static SSDEEP: Form = Form {
    fits: |text| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/+:.".contains(&b))
    },
    rule: "at most 128 letters, digits and / + : .",
};
pub(super) static TLSH: Form = Form {
    fits: |text| (text.len() == 70 || text.len() == 72) && text.bytes().all(|b| b.is_ascii_alphanumeric()),
    rule: "70 letters and digits, perhaps after T1",
};

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_digest(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_base64(text: &str) -> bool {
    let body = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    !text.is_empty() && text.len().is_multiple_of(4) && body.bytes().all(plain)
}

fn is_dark(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// A scheme, a colon, and something without spaces; what a URL has to encode stands for its encoding, as people paste it.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(plain);
    named && !rest.trim_start_matches('/').is_empty() && !text.contains(is_dark)
}

/// Two letters or more, or `x` and `i` with something behind; then letters and digits, between hyphens.
fn is_language(text: &str) -> bool {
    let (first, rest) = text.split_once('-').map_or((text, None), |(first, rest)| (first, Some(rest)));
    let private = rest.is_some() && matches!(first, "x" | "i" | "X" | "I");
    let begins =
        first.bytes().all(|b| b.is_ascii_alphabetic()) && (private || (2..=8).contains(&first.len()));
    let tag = |tag: &str| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
    begins && rest.is_none_or(|rest| rest.split('-').all(tag))
}

fn is_media_type(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    let name = text.split(';').next().unwrap_or_default();
    name.trim_end().split_once('/').is_some_and(|(kind, subtype)| plain(kind) && plain(subtype))
}

fn is_network(text: &str, longest: u8, is_address: impl Fn(&str) -> bool) -> bool {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, len)| (address, Some(len)));
    let sound = |len: &str| {
        is_number(len)
            && !(len.len() > 1 && len.starts_with('0'))
            && len.parse().is_ok_and(|len: u8| len <= longest)
    };
    is_address(address) && length.is_none_or(sound)
}

/// With or without a zone, such as `%eth0`.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty()
}

fn is_mac(text: &str) -> bool {
    let octet = |octet: &str| {
        octet.len() == 2 && octet.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    text.split(':').count() == 6 && text.split(':').all(octet)
}

/// Labels of at most 63 characters that hold nothing which can stand in no name; `_` and `*` are met in names of hosts.
fn is_domain(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let odd = |c: char| is_dark(c) || (c.is_ascii_punctuation() && !"-_*".contains(c));
    let label = |label: &str| (1..=63).contains(&label.chars().count()) && !label.contains(odd);
    name.len() <= 1_024 && name.chars().count() <= 253 && name.split('.').all(label)
}

fn is_mailbox(text: &str) -> bool {
    let odd = |c: char| is_dark(c) || "<>()[],;:\\\"".contains(c);
    let quoted = text.starts_with('"');
    text.rsplit_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && (quoted || !name.contains(odd)) && !host.contains(is_dark)
    })
}

fn is_registry_key(text: &str) -> bool {
    let hive = text.split('\\').next().unwrap_or_default();
    let short = ["HKLM", "HKCC", "HKCR", "HKCU", "HKU"];
    !text.is_empty() && !short.iter().any(|short| hive.eq_ignore_ascii_case(short))
}

/// Thirteen parts, between colons that no backslash stands before.
fn is_cpe(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("cpe:2.3:") else {
        return false;
    };
    let mut parts = vec![String::new()];
    let mut characters = rest.chars();
    while let Some(c) = characters.next() {
        match c {
            ':' => parts.push(String::new()),
            _ => parts.last_mut().into_iter().for_each(|part| part.push(c)),
        }
        if c == '\\'
            && let (Some(part), Some(escaped)) = (parts.last_mut(), characters.next())
        {
            part.push(escaped);
        }
    }
    let plain = parts.iter().all(|part| !part.is_empty() && !part.contains(is_dark));
    parts.len() == 11 && plain && matches!(parts[0].as_str(), "a" | "o" | "h" | "*" | "-")
}

fn is_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    core.split('.').count() == 3 && core.split('.').all(is_number)
}

fn is_cve(text: &str) -> bool {
    let Some((year, number)) = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    year.len() == 4 && is_number(year) && number.len() >= 4 && is_number(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        for (form, sound, broken) in [
            (&HEX, &["ffd8", "00"][..], &["", "f", "fg"][..]),
            (&BASE64, &["eA==", "abcd"], &["", "eA=", "e===", "=abc"]),
            (
                &URL,
                &["https://a.example/x?y#z", "mailto:joe@a.example", "http://ខ្មែរ.example"],
                &["", "a.example", "http://", "1http://a", "http://a b"],
            ),
            (
                &LANGUAGE,
                &["en", "pt-BR", "zh-Hant-TW", "x-klingon", "i-enochian"],
                &["", "e", "en_US", "englishlanguage", "x", "-en"],
            ),
            (
                &MEDIA_TYPE,
                &["text/plain", "application/vnd.ms-excel", "text/html; charset=utf-8"],
                &["", "text", "text/", "/x", "a b/c"],
            ),
            (&CHARACTER_SET, &["UTF-8", "ISO_8859-1:1987"], &["", "a b"]),
            (
                &IPV4,
                &["203.0.113.7", "0.0.0.0/0", "203.0.113.0/32"],
                &["", "1.2.3", "01.2.3.4", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/08", "::1"],
            ),
            (&IPV6, &["::1", "2001:db8::/32", "fe80::1%eth0"], &["", "1.2.3.4", "::1/129", "::1%", ":::"]),
            (&MAC, &["d2:fb:49:24:37:18"], &["", "D2:FB:49:24:37:18", "d2-fb-49-24-37-18", "d2:fb:49:24:37"]),
            (
                &DOMAIN,
                &["a.example", "a.example.", "_dmarc.a.example", "bücher.example", "localhost"],
                &["", ".", "a..b", "http://a.example", "a b", "evil[.]example"],
            ),
            (
                &MAILBOX,
                &["joe@a.example", "\"a b\"@a.example", "joe@[192.0.2.1]"],
                &["", "joe", "@a", "joe@", "Joe <joe@a.example>"],
            ),
            (&REGISTRY_KEY, &["HKEY_LOCAL_MACHINE\\x", "x"], &["", "HKLM\\x", "hkcu"]),
            (
                &CPE,
                &["cpe:2.3:a:x:y:1:*:*:*:*:*:*:*", "cpe:2.3:a:x\\:y:z:1:*:*:*:*:*:*:*"],
                &["", "cpe:/a:x", "cpe:2.3:a:x", "cpe:2.3:q:x:y:1:*:*:*:*:*:*:*"],
            ),
            (&VERSION, &["1.0.0", "1.2.3-rc.1"], &["", "1", "1.0", "v1.0.0"]),
            (&RELATIONSHIP, &["uses", "related-to"], &["", "Uses", "related to"]),
            (&CVE, &["CVE-2024-3094", "CVE-1999-0001"], &["", "CVE-24-1", "cve-2024-3094", "CVE-2024-1"]),
            (&CAPEC, &["CAPEC-163"], &["", "CAPEC-", "163"]),
            (&WHOLE_SECONDS, &["2026-01-31T08:00:00Z"], &["", "2026-01-31T08:00:00.0Z"]),
            (&TLSH, &[&"A".repeat(70)], &["", "A"]),
        ] {
            for text in sound {
                assert!((form.fits)(text), "{text:?} must be {}", form.rule);
            }
            for text in broken {
                assert!(!(form.fits)(text), "{text:?} is not {}", form.rule);
            }
        }
    }
}
