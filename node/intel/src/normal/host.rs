//! Hosts: addresses, networks and domain names, as they stand alone or in a URL.

use std::borrow::Cow;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

use super::network::Network;

/// The longest text that is tried as a name: several times what DNS allows, since names of other scripts shrink.
const MAX_TEXT: usize = 1_024;
/// The most bytes of a name (RFC 1035, section 2.3.4), without its final dot.
const MAX_NAME: usize = 253;

/// What a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// An address or network.
    Network(Network),
    /// A domain name: see [`is_name`].
    Name(String),
}

impl Host {
    pub(crate) fn text(self) -> String {
        match self {
            Host::Network(network) => network.text(),
            Host::Name(name) => name,
        }
    }
}

/// The host that `text` is, with whatever people and tools put around one: a port, brackets, the zone of an address, a
/// wildcard or a dot in front (both mean what lies below too, as a name always does), dots and commas behind.
pub(crate) fn read(text: &str) -> Option<Host> {
    let text = text.trim_end_matches(['.', ',', ';']);
    if let Some(network) = Network::parse(without_zone(text)) {
        return Some(Host::Network(network));
    }
    let (host, port) = split_port(text);
    if port.is_some_and(|port| !is_port(port)) {
        return None;
    }
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return Network::parse(without_zone(inner)).filter(|network| !network.is_ipv4()).map(Host::Network);
    }
    let name = host.strip_prefix("*.").or_else(|| host.strip_prefix('.')).unwrap_or(host);
    Network::parse(name).map(Host::Network).or_else(|| named(name))
}

/// Splits `host:port`; an address of IPv6 has its colons in brackets.
pub(crate) fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

pub(crate) fn is_port(text: &str) -> bool {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits && (text.is_empty() || text.parse::<u16>().is_ok())
}

/// `fe80::1%eth0` without what is meant on one machine alone.
fn without_zone(text: &str) -> &str {
    text.split_once('%').map_or(text, |(address, _)| if address.contains(':') { address } else { text })
}

/// A domain name in its normal form: lower case, no final dot, in ASCII (UTS 46, nontransitional). Labels with underscores
/// are tolerated, and so are those that only look like Punycode. Signs that stand for digits can make it an address.
fn named(text: &str) -> Option<Host> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > MAX_TEXT || text.is_ascii() && !text.contains('.') {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let ascii =
        if text.is_ascii() && !lower.contains("xn--") { Cow::Owned(lower) } else { to_ascii(text, lower)? };
    let name = ascii.strip_suffix('.').unwrap_or(&ascii);
    if !text.is_ascii()
        && let Some(network) = Network::parse(name)
    {
        return Some(Host::Network(network));
    }
    is_name(name).then(|| Host::Name(name.to_owned()))
}

fn to_ascii(text: &str, lower: String) -> Option<Cow<'_, str>> {
    let made =
        Uts46::new().to_ascii(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore);
    made.ok().or_else(|| text.is_ascii().then_some(Cow::Owned(lower)))
}

/// Whether `value` is a domain name in its normal form: two or more ASCII labels of 1 to 63 characters, 253 in all, the
/// last one not a number.
pub(crate) fn is_name(value: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let sound = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    let top = value.rsplit_once('.').map_or("0", |(_, top)| top);
    value.len() <= MAX_NAME && value.split('.').all(sound) && !top.bytes().all(|b| b.is_ascii_digit())
}

/// Second-level labels under which countries let others register names.
const SHARED_LABELS: [&str; 22] = [
    "ac", "biz", "co", "com", "desa", "edu", "gen", "go", "gob", "gouv", "gov", "in", "info", "mil", "my",
    "name", "ne", "net", "or", "org", "sch", "web",
];

/// Whether `name` is a suffix under which anyone may register: one label, or a country's such as `co.id`, `com.sg`.
/// Nobody's indicator can mean all that lies below.
pub(crate) fn is_suffix(name: &str) -> bool {
    let labels = name.split_once('.');
    labels.is_none_or(|(second, top)| top.len() == 2 && SHARED_LABELS.contains(&second))
}

#[cfg(test)]
mod tests {
    use super::{is_suffix, read};

    fn text(host: &str) -> Option<String> {
        read(host).map(super::Host::text)
    }

    #[test]
    fn reads_names_and_addresses_with_what_is_around_them() {
        for (host, normal) in [
            ("Evil.Example.COM.", "evil.example.com"),
            ("evil.com:8080", "evil.com"),
            ("*.evil.com", "evil.com"),
            (".evil.com", "evil.com"),
            ("_dmarc.evil.com", "_dmarc.evil.com"),
            ("a--b.evil.com", "a--b.evil.com"),
            ("Bücher.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("faß.de", "xn--fa-hia.de"),
            ("ราชบัณฑิต.ไทย", "xn--b3cofjw6czffx.xn--o3cw4h"),
            ("evil。example", "evil.example"),
            ("xn--a.example", "xn--a.example"),
            ("evil.com,", "evil.com"),
            ("203.0.113.7:443", "203.0.113.7"),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("[2001:DB8::1]:443", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("２０３.0.113.7", "203.0.113.7"),
        ] {
            assert_eq!(text(host).as_deref(), Some(normal), "{host}");
            assert_eq!(text(normal).as_deref(), Some(normal), "{host}");
        }
    }

    #[test]
    fn leaves_everything_else() {
        let label = format!("{}.com", "a".repeat(64));
        let long = format!("{}com", "a.".repeat(126));
        for host in [
            "localhost",
            "com",
            "999.1.2.3",
            "1.2.3",
            "a..com",
            "a b.com",
            "evil.com:http",
            "evil.com:70000",
            "[1.2.3.4]",
            "a/b.com",
            "joe@evil.com",
            "\u{202e}a.com",
            &label,
            &long,
            &"é.".repeat(1_000),
            "",
            ".",
            "*.",
        ] {
            assert_eq!(read(host), None, "{host}");
        }
    }

    #[test]
    fn suffixes_are_nobodys() {
        for (name, suffix) in [
            ("com", true),
            ("co.id", true),
            ("gov.sg", true),
            ("evil.co.id", false),
            ("co.com", false),
            ("evil.sg", false),
        ] {
            assert_eq!(is_suffix(name), suffix, "{name}");
        }
    }
}
