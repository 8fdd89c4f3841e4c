//! How a client presents its token: as a bearer token, as the password of any user name, or after `Token`, which
//! are what the tools of SOCs can be set up to send.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The token in a request's head; nothing, if there is none, or two headers that might contradict each other.
pub(super) fn presented(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (one, other) = (all.next()?, all.next());
    let (scheme, rest) = one.to_str().ok().filter(|_| other.is_none())?.trim().split_once(' ')?;
    let rest = rest.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => Some(Zeroizing::new(rest.to_owned())),
        "basic" => password(rest),
        _ => None,
    }
}

/// RFC 7617: the user name has no colon, the password may have some.
fn password(encoded: &str) -> Option<Zeroizing<String>> {
    let decoded = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Zeroizing::new(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_found_in_each_form() {
        let found = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().unwrap());
            presented(&headers).map(|token| token.to_string())
        };
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for value in ["Bearer t", "bearer  t", "TOKEN t", &basic("splunk:t"), &basic(":t")] {
            assert_eq!(found(value).as_deref(), Some("t"), "{value}");
        }
        assert_eq!(found(&basic("user:a:b")).as_deref(), Some("a:b"));
        for value in ["t", "Bearer", "Digest t", "Basic ???", &basic("t"), "Basic /w==", ""] {
            assert_eq!(found(value), None, "{value}");
        }
    }

    #[test]
    fn two_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, "Bearer a".parse().unwrap());
        headers.append(AUTHORIZATION, "Bearer b".parse().unwrap());
        assert!(presented(&headers).is_none() && presented(&HeaderMap::new()).is_none());
    }
}
