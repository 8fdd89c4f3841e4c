//! E-mail addresses.

use super::host::{self, Host};

/// The normal form of an e-mail address, alone, after `mailto:`, or in angle brackets after a name: all in lower case, since
/// no mailbox that matters tells `Joe@` from `joe@`, and its host in the host's normal form.
pub(crate) fn read(text: &str) -> Option<String> {
    let text = match text.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &text[7..],
        _ => text,
    };
    let named = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')).map(|(_, address)| address);
    let (local, host) = named.unwrap_or(text).rsplit_once('@')?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:/\\\"".contains(c);
    if local.is_empty() || !local.chars().all(plain) {
        return None;
    }
    let host = match host::read(host)? {
        Host::Name(name) => name,
        Host::Network(network) => format!("[{}]", network.text()),
    };
    Some(format!("{}@{host}", local.to_lowercase()))
}

/// The host of an address in its normal form.
pub(crate) fn host_of(address: &str) -> Option<Host> {
    host::read(address.rsplit_once('@')?.1)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn forms_are_exact() {
        for (address, normal) in [
            ("Joe@Evil.COM", "joe@evil.com"),
            ("mailto:Joe@Evil.COM", "joe@evil.com"),
            ("Joe Doe <Joe@Evil.COM>", "joe@evil.com"),
            ("joe@bücher.example", "joe@xn--bcher-kva.example"),
            ("joe+x@evil.com.", "joe+x@evil.com"),
        ] {
            assert_eq!(read(address).as_deref(), Some(normal), "{address}");
            assert_eq!(read(normal).as_deref(), Some(normal), "{address}");
        }
        for text in
            ["@evil.com", "joe@", "joe@localhost", "http://joe@evil.com", "joe doe@evil.com", "evil.com"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
