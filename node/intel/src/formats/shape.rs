//! What values must look like before they are written into somebody's configuration.
//!
//! The lists go to firewalls and resolvers, where a wildcard or a name without a dot takes half the Internet with it.

use std::net::IpAddr;

/// The most bytes of a host name (RFC 1035, section 2.3.4).
const MAX_HOST: usize = 253;
/// The most bytes of a label.
const MAX_LABEL: usize = 63;

/// Whether this is the name of a host below a top-level domain, in ASCII: letters, digits, `-` and `_`.
pub(super) fn is_host(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(plain);
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= MAX_HOST
        && name.contains('.')
        && name.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// An address and, for a network, its prefix length.
pub(super) fn network(value: &str) -> Option<(IpAddr, Option<u8>)> {
    match value.split_once('/') {
        None => Some((value.parse().ok()?, None)),
        Some((address, length)) => Some((address.parse().ok()?, Some(length.parse().ok()?))),
    }
}

/// A URL as firewalls and sensors compare it: without scheme and fragment, in printable ASCII. The host comes first, and
/// is a name or an address that can't be read as a pattern.
pub(super) fn bare_url(url: &str) -> Option<&str> {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    let bare = bare.split('#').next().unwrap_or_default();
    let printable = bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*' && byte != b'^');
    let (authority, _) = split_path(bare);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let is_place = is_host(host) || host.parse::<std::net::Ipv4Addr>().is_ok();
    (printable && is_place).then_some(bare)
}

/// Host, with its port if it has one, and path with query.
pub(super) fn split_path(bare: &str) -> (&str, &str) {
    bare.split_at(bare.find(['/', '?']).unwrap_or(bare.len()))
}

/// The number of hexadecimal digits of a digest that lists know, by its kind.
pub(super) fn digest_len(kind: &str) -> Option<usize> {
    match kind {
        "file-md5" => Some(32),
        "file-sha1" => Some(40),
        "file-sha256" => Some(64),
        "file-sha512" => Some(128),
        _ => None,
    }
}

/// Whether a value is a digest as its kind says.
pub(super) fn is_digest(kind: &str, value: &str) -> bool {
    digest_len(kind) == Some(value.len()) && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::{bare_url, is_host};

    #[test]
    fn hosts_are_names_below_a_top_level() {
        for (name, holds) in [
            ("evil.example", true),
            ("_dmarc.xn--e1awd7f.example", true),
            ("com", false),
            ("", false),
            ("evil.example.", false),
            (".example", false),
            ("*.example", false),
            ("evil..example", false),
            ("e vil.example", false),
            ("évil.example", false),
            ("1.2.3.4", false),
            (&"a.".repeat(127)[..253], true),
            (&"a.".repeat(128)[..255], false),
            (&format!("{}.example", "a".repeat(64)), false),
        ] {
            assert_eq!(is_host(name), holds, "{name}");
        }
    }

    #[test]
    fn urls_lose_scheme_and_fragment_alone() {
        for (url, bare) in [
            ("https://evil.example/a?b=c", Some("evil.example/a?b=c")),
            ("evil.example/a#top", Some("evil.example/a")),
            ("http://203.0.113.7:8080/x", Some("203.0.113.7:8080/x")),
            ("http://evil.example", Some("evil.example")),
            ("http://*.example/", None),
            ("http://evil.example/*", None),
            ("http://user@evil.example/", None),
            ("http://evil.example/a b", None),
            ("http:///etc", None),
            ("*", None),
            ("/", None),
        ] {
            assert_eq!(bare_url(url), bare, "{url}");
        }
    }
}
