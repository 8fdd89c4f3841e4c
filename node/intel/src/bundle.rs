//! Cuts a file, a STIX bundle or one object, into the exact texts of its objects.

use crate::display::safe;
use crate::json;

/// The most objects of a bundle.
pub const MAX_OBJECTS: usize = 1_000_000;

/// Why a text is neither a bundle nor an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// The text is not JSON, or has more than [`MAX_OBJECTS`] objects.
    #[error("not readable as a STIX bundle: {0}")]
    Json(String),
    /// The text is a list, a string or a number.
    #[error("neither a STIX bundle nor a STIX object: it has to begin with {{")]
    NotAnObject,
    /// There is no `type` to tell what the text is.
    #[error("neither a STIX bundle nor a STIX object: \"type\" is missing")]
    NoType,
    /// `type` or `objects` stands twice, so that two readers could see two bundles.
    #[error("\"{0}\" stands there twice")]
    Twice(&'static str),
    /// A bundle without objects.
    #[error("the bundle has no objects")]
    Empty,
}

/// The objects of `text`, in order, each the slice of `text` it stands in. A bundle needs `type` and `objects` and
/// nothing else; a text of another type is one object. The caller bounds the length of `text`.
///
/// # Errors
/// What is wrong with the whole; the objects themselves are not looked at beyond being JSON.
pub fn read(text: &str) -> Result<Vec<&str>, BundleFault> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with(['[', '"']) {
        return Err(BundleFault::NotAnObject);
    }
    let (mut kind, mut objects) = (None, None);
    let mut twice = None;
    let read = json::for_each_property(text, |name, value| {
        let (seen, name) = match name.as_ref() {
            "type" => (kind.replace(value), "type"),
            "objects" => (objects.replace(value), "objects"),
            _ => (None, ""),
        };
        twice = twice.or(seen.map(|_| name));
        Ok(())
    });
    read.map_err(unreadable)?;
    match (twice, kind.and_then(json::string)) {
        (Some(name), _) => Err(BundleFault::Twice(name)),
        (None, None) => Err(BundleFault::NoType),
        (None, Some(kind)) if kind == "bundle" => items(objects.ok_or(BundleFault::Empty)?),
        (None, Some(_)) => Ok(vec![text]),
    }
}

fn items(list: &str) -> Result<Vec<&str>, BundleFault> {
    let mut objects = Vec::new();
    let read = json::for_each_item(list, |item| {
        if objects.len() == MAX_OBJECTS {
            return Err(format!("more than {MAX_OBJECTS} objects"));
        }
        objects.push(item);
        Ok(())
    });
    read.map_err(unreadable)?;
    if objects.is_empty() { Err(BundleFault::Empty) } else { Ok(objects) }
}

fn unreadable(error: serde_json::Error) -> BundleFault {
    BundleFault::Json(safe(&error.to_string(), 160))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{BundleFault, read};

    #[test]
    fn gives_each_object_as_it_stands() {
        let text = "\u{feff} {\"objects\": [ {\"a\" : 1.0} ,\n{\"b\":\"\\u0041\"}], \"type\": \"bundle\"}\n";
        assert_eq!(read(text).unwrap(), ["{\"a\" : 1.0}", "{\"b\":\"\\u0041\"}"]);
        assert_eq!(read(" {\"type\":\"tool\" } ").unwrap(), ["{\"type\":\"tool\" }"]);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, fault) in [
            ("[{}]", BundleFault::NotAnObject),
            ("{}", BundleFault::NoType),
            (r#"{"type":"bundle"}"#, BundleFault::Empty),
            (r#"{"type":"bundle","objects":[]}"#, BundleFault::Empty),
            (r#"{"type":"bundle","objects":[1],"objects":[2]}"#, BundleFault::Twice("objects")),
        ] {
            assert_eq!(read(text).unwrap_err(), fault, "{text}");
        }
        for text in ["", "x", r#"{"type":"bundle","objects":{}}"#, r#"{"type":"bundle","objects":[1,]}"#] {
            assert!(matches!(read(text), Err(BundleFault::Json(_))), "{text}");
        }
    }
}
