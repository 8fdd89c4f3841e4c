//! URLs, by RFC 3986, section 6.2, as far as it changes nothing that a server could tell apart.
//!
//! The fragment stays, since without it an indicator for one page of a site would stand for the whole site; but no sensor
//! sees it, so that a question with a fragment asks without it too ([`without_fragment`]).

use super::host::{self, Host};

/// Schemes whose URLs name a host and a path, with the port that goes without saying.
const HIERARCHICAL: [(&str, u16); 5] = [("http", 80), ("https", 443), ("ftp", 21), ("ws", 80), ("wss", 443)];

/// The normal form of a URL, or of one that lacks its scheme: scheme and host in their normal forms, no default port, `/`
/// for an empty path, `%2F` in upper case, and what isn't ASCII in percent signs. User names and the rest stay as they are.
pub(crate) fn read(text: &str) -> Option<String> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), text),
    };
    let port = HIERARCHICAL.iter().find(|(name, _)| *name == scheme).map(|(_, port)| *port);
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, host) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let host = host_and_port(host, port, scheme.is_empty())?;
    let mut url = if scheme.is_empty() { scheme } else { scheme + "://" };
    push_encoded(&mut url, user);
    url.push_str(&host);
    if port.is_some() && !path.starts_with('/') {
        url.push('/');
    }
    let empty_fragment = path.find('#').is_some_and(|at| at + 1 == path.len());
    push_encoded(&mut url, &path[..path.len() - usize::from(empty_fragment)]);
    Some(url)
}

/// A URL without its fragment, if it has one.
pub(crate) fn without_fragment(url: &str) -> Option<&str> {
    url.split_once('#').map(|(url, _)| url)
}

/// The host of a URL in its normal form.
pub(crate) fn host_of(url: &str) -> Option<Host> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host::read(host)
}

/// Whether the text begins with a scheme and `://`.
pub(crate) fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
}

/// Whether the text lacks the scheme of a URL, but says more than a host.
pub(crate) fn lacks_scheme(text: &str) -> bool {
    !has_scheme(text) && text.contains(['/', ':', '?'])
}

fn is_scheme(text: &str) -> bool {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(inside)
}

/// Without a scheme, only a name of several labels or an address is a host.
fn host_and_port(text: &str, default_port: Option<u16>, strict: bool) -> Option<String> {
    let (host, port) = host::split_port(text);
    let host = match host::read(host) {
        Some(Host::Network(network)) if !network.is_ipv4() => format!("[{}]", network.text()),
        Some(host) => host.text(),
        None if strict => return None,
        None => other_host(host)?,
    };
    match port {
        Some(port) if !host::is_port(port) => None,
        Some(port) => match port.parse::<u16>() {
            Ok(port) if Some(port) != default_port => Some(format!("{host}:{port}")),
            _ => Some(host),
        },
        None => Some(host),
    }
}

/// A host that is neither a domain name nor an address, such as `intranet`.
fn other_host(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b);
    (!text.is_empty() && text.bytes().all(plain)).then(|| text.to_ascii_lowercase())
}

/// Percent-encodes what isn't printable ASCII, and writes percent signs that are there already in upper case.
fn push_encoded(url: &mut String, text: &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1..at + 3)) {
            (b'%', Some(hex)) if hex.iter().all(u8::is_ascii_hexdigit) => {
                url.push('%');
                url.extend(hex.iter().map(|digit| char::from(digit.to_ascii_uppercase())));
                at += 3;
            }
            (b'!'..=b'~', _) => {
                url.push(char::from(*byte));
                at += 1;
            }
            _ => {
                url.push_str(&format!("%{byte:02X}"));
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{host_of, read};

    #[test]
    fn forms_are_exact() {
        for (url, normal) in [
            ("HTTP://EVIL.com", "http://evil.com/"),
            ("https://User@Evil.COM:8080/Path?Q=A", "https://User@evil.com:8080/Path?Q=A"),
            ("http://evil.com:80/a", "http://evil.com/a"),
            ("http://evil.com:0080/a", "http://evil.com/a"),
            ("https://evil.com:80/a", "https://evil.com:80/a"),
            ("http://evil.com:/a", "http://evil.com/a"),
            ("http://evil.com?x=1", "http://evil.com/?x=1"),
            ("http://evil.com./a", "http://evil.com/a"),
            ("http://Bücher.example/ü b%c3%zz", "http://xn--bcher-kva.example/%C3%BC%20b%C3%zz"),
            ("http://evil.com/a#Frag", "http://evil.com/a#Frag"),
            ("http://evil.com/#", "http://evil.com/"),
            ("http://[2001:DB8::1]:443/", "http://[2001:db8::1]:443/"),
            ("http://203.0.113.7/a/../b", "http://203.0.113.7/a/../b"),
            ("http://Intranet/x", "http://intranet/x"),
            ("tcp://evil.com", "tcp://evil.com"),
            ("Evil.com/Path", "evil.com/Path"),
            ("Evil.com:8080", "evil.com:8080"),
            ("evil.com", "evil.com"),
        ] {
            assert_eq!(read(url).as_deref(), Some(normal), "{url}");
            assert_eq!(read(normal).as_deref(), Some(normal), "{url}");
        }
    }

    #[test]
    fn leaves_everything_else() {
        for text in ["http://", "://a.com", "a", "http://a b.com/", "http://evil.com:99999/", "", "?a.com"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn tells_its_host() {
        let host = |url: &str| host_of(url).map(super::Host::text);
        assert_eq!(host("http://joe@evil.com:8080/a@b").as_deref(), Some("evil.com"));
        assert_eq!(host("http://[2001:db8::1]/").as_deref(), Some("2001:db8::1"));
        assert_eq!(host("evil.com/x").as_deref(), Some("evil.com"));
        assert_eq!(host("http://intranet/"), None);
    }
}
