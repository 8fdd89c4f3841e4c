//! The normal forms of values, so that what an analyst types and what an object says meet in one index.
//!
//! A form reads a text as a thing of its kind, with the usual notations and, where people defang it, defanged
//! ([`refang`]); or it says that the text is no such thing, which then stands as it is, trimmed. Every form is idempotent,
//! linear in the text, and leaves texts alone that are longer than [`MAX_TEXT`].

pub(crate) mod hash;
pub(crate) mod host;
pub(crate) mod mail;
pub(crate) mod network;
pub(crate) mod number;
pub(crate) mod path;
mod refang;
pub(crate) mod url;
pub(crate) mod wallet;

use std::borrow::Cow;

pub(crate) use host::{Host, is_name, is_suffix};
pub(crate) use network::Network;

/// The longest text that is normalised, in bytes.
pub(crate) const MAX_TEXT: usize = 16 * 1_024;

/// How values of a kind are normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// An address, network or domain name; a URL that stands where one should: [`host`], [`url`].
    Host,
    /// [`url`]
    Url,
    /// [`mail`]
    Mail,
    /// [`number::mac`]
    Mac,
    /// [`hash`]
    Hash,
    /// [`number::autonomous_system`]
    AutonomousSystem,
    /// [`number::cve`]
    Cve,
    /// [`wallet`]
    Wallet,
    /// [`path::windows`]
    Path,
    /// [`path::registry_key`]
    RegistryKey,
    /// What a reference leads to, whose type nobody says: a URL, an e-mail or MAC address, or a host.
    Reference,
    /// As it is.
    Plain,
}

/// Every form that a text of unknown kind may have.
pub(crate) const FORMS: [Form; 10] = [
    Form::Host,
    Form::Url,
    Form::Mail,
    Form::Mac,
    Form::Hash,
    Form::AutonomousSystem,
    Form::Cve,
    Form::Wallet,
    Form::Path,
    Form::RegistryKey,
];

/// A value in its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Normal {
    /// Never empty.
    pub(crate) value: String,
    /// The kind, where the value alone tells it.
    pub(crate) kind: Option<&'static str>,
}

/// A text to be read, trimmed, as it stands and without its defanging.
#[derive(Debug, Clone)]
pub(crate) struct Typed<'a> {
    /// As it stands.
    pub(crate) raw: &'a str,
    /// Undone, if it is not too long and comes to rest.
    refanged: Option<Cow<'a, str>>,
}

impl<'a> Typed<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let raw = text.trim();
        let refanged = if raw.len() <= MAX_TEXT { refang::refanged(raw) } else { None };
        Self { raw, refanged }
    }

    /// Without its defanging or, where that can't be undone, nothing.
    pub(crate) fn refanged(&self) -> &str {
        self.refanged.as_deref().unwrap_or_default()
    }
}

impl Form {
    /// The normal form of a text, if it has this form.
    pub(crate) fn read(self, typed: &Typed<'_>) -> Option<Normal> {
        if typed.raw.len() > MAX_TEXT {
            return None;
        }
        let meant = typed.refanged();
        let value = match self {
            Form::Host => return host_or_url(meant),
            Form::Reference => return referenced(meant),
            Form::Url => url::read(meant)?,
            Form::Mail => mail::read(meant)?,
            Form::Mac => number::mac(meant)?,
            Form::Hash => hash::read(typed.raw)?,
            Form::AutonomousSystem => number::autonomous_system(meant)?,
            Form::Cve => number::cve(typed.raw)?,
            Form::Wallet => wallet::read(typed.raw)?,
            Form::Path => path::windows(typed.raw)?,
            Form::RegistryKey => path::registry_key(typed.raw)?,
            Form::Plain => return None,
        };
        Some(Normal { value, kind: None })
    }
}

/// Every value that a text may stand for: itself and its normal forms, perhaps some of them twice.
pub(crate) fn values(text: &str) -> impl Iterator<Item = String> {
    let typed = Typed::new(text);
    let forms: Vec<_> =
        FORMS.iter().filter_map(|form| form.read(&typed)).map(|normal| normal.value).collect();
    [typed.raw.to_owned(), typed.refanged().to_owned()]
        .into_iter()
        .chain(forms)
        .filter(|value| !value.is_empty())
}

/// The kind of a host.
pub(crate) fn host_kind(host: &Host) -> &'static str {
    match host {
        Host::Network(network) if network.is_ipv4() => "ipv4-addr",
        Host::Network(_) => "ipv6-addr",
        Host::Name(_) => "domain-name",
    }
}

fn host_or_url(text: &str) -> Option<Normal> {
    if let Some(host) = host::read(text) {
        return Some(Normal { kind: Some(host_kind(&host)), value: host.text() });
    }
    let url = text.contains('/').then(|| url::read(text))??;
    Some(Normal { value: url, kind: Some("url") })
}

fn referenced(text: &str) -> Option<Normal> {
    let mac = number::notated_mac(text).and_then(|_| number::mac(text)).map(|mac| (mac, "mac-addr"));
    let other = mac.or_else(|| mail::read(text).map(|mail| (mail, "email-addr")));
    other.map(|(value, kind)| Normal { value, kind: Some(kind) }).or_else(|| host_or_url(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FORMS, Form, MAX_TEXT, Typed};

    fn normal(form: Form, text: &str) -> Option<(String, Option<&'static str>)> {
        form.read(&Typed::new(text)).map(|normal| (normal.value, normal.kind))
    }

    #[test]
    fn values_tell_their_kind_where_they_can() {
        for (form, text, value, kind) in [
            (Form::Host, " Evil[.]Example.COM. ", "evil.example.com", "domain-name"),
            (Form::Host, "203.0.113[.]7", "203.0.113.7", "ipv4-addr"),
            (Form::Host, "2001:DB8::/32", "2001:db8::/32", "ipv6-addr"),
            (Form::Host, "hxxp://evil.com", "http://evil.com/", "url"),
            (Form::Reference, "Joe[at]Evil[dot]com", "joe@evil.com", "email-addr"),
            (Form::Reference, "AA-BB-CC-00-11-22", "aa:bb:cc:00:11:22", "mac-addr"),
            (Form::Reference, "EVIL.com", "evil.com", "domain-name"),
            (Form::Reference, "http://EVIL.com/", "http://evil.com/", "url"),
        ] {
            assert_eq!(normal(form, text), Some((value.to_owned(), Some(kind))), "{text}");
        }
        assert_eq!(normal(Form::Plain, "x"), None);
    }

    #[test]
    fn long_texts_are_left_alone() {
        let url = |length: usize| format!("http://evil.com/{}", "x".repeat(length - 16));
        assert!(normal(Form::Url, &url(MAX_TEXT)).is_some());
        for form in FORMS {
            assert_eq!(normal(form, &url(MAX_TEXT + 1)), None, "{form:?}");
            assert_eq!(normal(form, &"a".repeat(MAX_TEXT + 2)), None, "{form:?}");
        }
    }

    proptest! {
        #[test]
        fn forms_are_idempotent(
            text in prop_oneof![
                "\\PC{0,40}", "[a-fA-F0-9.:\\[\\]()@/ %-]{0,40}", "[0-9A-Fa-f:]{10,64}", "ASN?[0-9]{1,10}(\\.[0-9]{1,6})?",
                "(hxxps?|HTTP|ftp|x)(://|\\[:\\]//|:\\\\\\\\)([A-Zü.\\[\\]-]{1,12}|[0-9.]{7,9})(:[0-9]{0,5})?[/?#]?[A-Z%ü ?#\\\\]{0,6}",
                "[a-z.ü]{1,9}(@|\\[at\\]| at )[A-Zéß.\\[\\]。-]{1,12}", "(\\*\\.)?(xn--)?[a-zA-Zßéไก0-9_.-]{1,20}",
                "(C:|\\\\|HKLM:?|%[A-Z]{2}%)\\\\[A-ZÅİß\\\\.]{0,12}", "[0-9]{1,3}(\\[?\\.\\]?[0-9]{1,3}){3}(/[0-9]{1,3})?",
                "(0x|bc1|1|T)[0-9a-fA-F]{33,42}",
            ],
        ) {
            for form in FORMS.into_iter().chain([Form::Reference]) {
                if let Some((once, kind)) = normal(form, &text) {
                    prop_assert!(!once.is_empty());
                    let again = normal(form, &once).unwrap_or_else(|| (once.clone(), None));
                    prop_assert_eq!(again, (once, kind), "{:?} of {:?}", form, text);
                }
            }
        }
    }
}
