//! The kinds of things that can be published by their value alone.

use crate::normal::{Form, Typed, hash, path, url};

/// One kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Thing {
    /// As observables name it.
    pub(super) kind: &'static str,
    /// As people do.
    pub(super) words: &'static str,
    /// Where a STIX object holds it: the object's type, and the way to the property.
    pub(super) place: Option<(&'static str, &'static [&'static str])>,
    form: Form,
}

const fn thing(
    kind: &'static str,
    words: &'static str,
    object_type: &'static str,
    steps: &'static [&'static str],
    form: Form,
) -> Thing {
    Thing { kind, words, place: Some((object_type, steps)), form }
}

const USER_AGENT: &[&str] = &["extensions", "http-request-ext", "request_header", "User-Agent"];

/// File paths have a property of their own that is not in the standard: it would have them in two conditions, of which
/// neither alone is what was meant, and most tools write them so.
pub(super) static THINGS: [Thing; 30] = [
    thing("domain-name", "domain name", "domain-name", &["value"], Form::Host),
    thing("ipv4-addr", "IPv4 address", "ipv4-addr", &["value"], Form::Host),
    thing("ipv6-addr", "IPv6 address", "ipv6-addr", &["value"], Form::Host),
    thing("url", "URL", "url", &["value"], Form::Url),
    thing("email-addr", "e-mail address", "email-addr", &["value"], Form::Mail),
    thing("mac-addr", "MAC address", "mac-addr", &["value"], Form::Mac),
    thing("autonomous-system", "autonomous system", "autonomous-system", &["number"], Form::AutonomousSystem),
    thing("file-md5", "MD5 hash", "file", &["hashes", "MD5"], Form::Hash),
    thing("file-sha1", "SHA-1 hash", "file", &["hashes", "SHA-1"], Form::Hash),
    thing("file-sha224", "SHA-224 hash", "file", &["hashes", "SHA-224"], Form::Hash),
    thing("file-sha256", "SHA-256 hash", "file", &["hashes", "SHA-256"], Form::Hash),
    thing("file-sha384", "SHA-384 hash", "file", &["hashes", "SHA-384"], Form::Hash),
    thing("file-sha512", "SHA-512 hash", "file", &["hashes", "SHA-512"], Form::Hash),
    thing("file-sha3-256", "SHA3-256 hash", "file", &["hashes", "SHA3-256"], Form::Hash),
    thing("file-sha3-512", "SHA3-512 hash", "file", &["hashes", "SHA3-512"], Form::Hash),
    thing("file-ssdeep", "ssdeep hash", "file", &["hashes", "SSDEEP"], Form::Hash),
    thing("file-tlsh", "TLSH hash", "file", &["hashes", "TLSH"], Form::Hash),
    thing("file-name", "file name", "file", &["name"], Form::Plain),
    thing("file-path", "file path", "file", &["path"], Form::Path),
    thing("certificate-md5", "certificate's MD5 hash", "x509-certificate", &["hashes", "MD5"], Form::Hash),
    thing(
        "certificate-sha1",
        "certificate's SHA-1 hash",
        "x509-certificate",
        &["hashes", "SHA-1"],
        Form::Hash,
    ),
    thing(
        "certificate-sha256",
        "certificate's SHA-256 hash",
        "x509-certificate",
        &["hashes", "SHA-256"],
        Form::Hash,
    ),
    thing("mutex", "mutex", "mutex", &["name"], Form::Plain),
    thing("windows-registry-key", "registry key", "windows-registry-key", &["key"], Form::RegistryKey),
    thing("process-name", "process name", "process", &["name"], Form::Plain),
    thing("process-command-line", "command line", "process", &["command_line"], Form::Plain),
    thing("user-account", "user account", "user-account", &["account_login"], Form::Plain),
    thing("user-agent", "user agent", "network-traffic", USER_AGENT, Form::Plain),
    thing("cryptocurrency-wallet", "wallet", "cryptocurrency-wallet", &["value"], Form::Wallet),
    Thing { kind: "vulnerability", words: "CVE id", place: None, form: Form::Cve },
];

/// The thing of this kind.
pub(super) fn of(kind: &str) -> Option<&'static Thing> {
    THINGS.iter().find(|thing| thing.kind == kind)
}

impl Thing {
    /// The value as objects should hold it, if the text is one of this kind.
    pub(super) fn read(&self, typed: &Typed<'_>) -> Option<String> {
        let printable = |text: &&str| !text.is_empty() && !text.contains(char::is_control);
        let raw = Some(typed.raw).filter(printable)?;
        match self.form {
            Form::Plain if self.kind == "file-name" && !typed.refanged().is_empty() => {
                Some(typed.refanged().to_owned())
            }
            Form::Plain => Some(raw.to_owned()),
            Form::Path => Some(path::written(raw)).filter(|path| !path.is_empty()),
            Form::RegistryKey => path::expanded(raw),
            Form::Host => self
                .form
                .read(typed)
                .filter(|normal| normal.kind == Some(self.kind))
                .map(|normal| normal.value),
            Form::Hash => {
                self.form.read(typed).map(|normal| normal.value).filter(|digest| self.is_digest(digest))
            }
            Form::Url => self.form.read(typed).map(|normal| normal.value).filter(|url| url::has_scheme(url)),
            _ => self.form.read(typed).map(|normal| normal.value),
        }
    }

    /// Whether a digest has the shape of this kind's; SHA-3 has those of SHA-2.
    fn is_digest(&self, digest: &str) -> bool {
        let of_shape = hash::algorithm(digest);
        let own = self.kind.split_once('-').map(|(_, algorithm)| algorithm.replace("sha3-", "sha"));
        of_shape.is_some_and(|shape| Some(shape) == own.as_deref())
    }
}
