//! What the client accepts, and in what it sends. Everything here is one type, so all that matters is whether the
//! client's words can be read as that.

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};

use super::super::answer::{Problem, TAXII};

/// The versions of what this node speaks.
const VERSION: &str = "2.1";

/// Whether the client accepts TAXII 2.1: with its version or without, as JSON, or as anything.
pub(super) fn accepts(headers: &HeaderMap) -> Result<(), Problem> {
    let mut ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if ranges.peek().is_none() {
        return Ok(());
    }
    let fits = |range: &str| match read(range) {
        Some(MediaRange { q_is_zero: true, .. }) | None => false,
        Some(MediaRange { kind, version, .. }) => {
            let is_ours = ["application/taxii+json", "application/stix+json", "application/json"];
            match kind.as_str() {
                "*/*" | "application/*" => true,
                kind => is_ours.contains(&kind) && version.is_none_or(|version| version == VERSION),
            }
        }
    };
    if ranges.flat_map(|list| list.split(',')).any(fits) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "this node answers in TAXII 2.1 alone")
        .hint(format!("send `Accept: {TAXII}`")))
}

/// Whether what the client sends can be read as a TAXII 2.1 envelope.
pub(super) fn is_envelope(headers: &HeaderMap) -> Result<(), Problem> {
    let fits = |text: &str| {
        read(text).is_some_and(|MediaRange { kind, version, .. }| {
            matches!(kind.as_str(), "application/taxii+json" | "application/json" | "application/stix+json")
                && version.is_none_or(|version| version == VERSION)
        })
    };
    match headers.get(CONTENT_TYPE) {
        Some(value) if value.to_str().is_ok_and(fits) => Ok(()),
        _ => Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "objects come in a TAXII 2.1 envelope")
            .hint(format!("send `Content-Type: {TAXII}`"))),
    }
}

struct MediaRange {
    /// Such as `application/json`, in lower case.
    kind: String,
    version: Option<String>,
    q_is_zero: bool,
}

/// RFC 9110, section 12.5.1, with any spaces that clients put there.
fn read(range: &str) -> Option<MediaRange> {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next().filter(|kind| kind.contains('/'))?.to_ascii_lowercase();
    let mut found = MediaRange { kind, version: None, q_is_zero: false };
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "version" => found.version = Some(value.to_owned()),
            "q" => found.q_is_zero = value.parse::<f32>() == Ok(0.0),
            _ => {}
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_clients_send() {
        let with = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(ACCEPT, value.parse().unwrap());
            }
            accepts(&headers).is_ok()
        };
        assert!(with(&[]));
        for good in [
            "application/taxii+json;version=2.1",
            "application/taxii+json; version=2.1",
            "application/taxii+json ; version = \"2.1\"",
            "application/taxii+json",
            "Application/TAXII+json;Version=2.1",
            "application/json, text/plain, */*",
            "application/json",
            "text/html;q=0.9, application/taxii+json;version=2.1;q=0.5",
            "application/*",
            "*/*;q=0.1",
        ] {
            assert!(with(&[good]), "{good}");
        }
        assert!(with(&["text/html", "application/taxii+json"]));
        for bad in [
            "application/taxii+json;version=2.0",
            "application/vnd.oasis.taxii+json; version=2.0",
            "text/html",
            "application/taxii+json;version=2.1;q=0",
            "",
            "nonsense",
        ] {
            assert!(!with(&[bad]), "{bad}");
        }
    }

    #[test]
    fn takes_envelopes_alone() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            is_envelope(&headers).is_ok()
        };
        assert!(with("application/taxii+json;version=2.1") && with("application/json; charset=utf-8"));
        assert!(!with("text/plain") && !with("application/taxii+json;version=2.0") && !with(""));
        assert!(is_envelope(&HeaderMap::new()).is_err());
    }
}
