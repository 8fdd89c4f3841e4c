//! What values must look like before they are written into somebody's configuration.
//!
//! The lists go to firewalls and resolvers, where a wildcard or a name without a dot takes half the Internet with it.

use crate::normal::is_name;

/// A URL as firewalls and sensors compare it: without scheme and fragment, in printable ASCII. The host comes first, and
/// is a name or an address that can't be read as a pattern.
pub(super) fn bare_url(url: &str) -> Option<&str> {
    let bare = url.split_once("://").map_or(url, |(_, rest)| rest);
    let bare = bare.split('#').next().unwrap_or_default();
    let printable = bare.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*' && byte != b'^');
    let (authority, _) = split_path(bare);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let is_place = is_name(&host.to_ascii_lowercase()) || host.parse::<std::net::Ipv4Addr>().is_ok();
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
    use super::bare_url;

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
