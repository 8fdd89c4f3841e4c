//! Cuts a file, a STIX bundle or one object, into the exact texts of its objects: [`read`] a text at hand, [`Cutter`] one
//! that comes in pieces.

mod cutter;

use crate::display::safe;
use crate::json;

pub use cutter::{Cut, Cutter};

/// The most objects of a bundle.
pub const MAX_OBJECTS: usize = 1_000_000;

/// Why a text is neither a bundle nor an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// The text is not JSON.
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
    /// The bytes are not UTF-8 from this one on, counted from 1.
    #[error("not text in UTF-8: byte {0} is not")]
    NotText(u64),
    /// A bundle of more than [`MAX_OBJECTS`].
    #[error("the bundle has more than {MAX_OBJECTS} objects; divide it")]
    TooMany,
    /// One object is longer than whoever asked can take.
    #[error("object {position} has more than {longest} bytes, the most that an object can have here")]
    TooLong {
        /// Its place, from 1.
        position: usize,
        /// The most bytes of an object.
        longest: usize,
    },
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
    let (mut objects, mut too_many) = (Vec::new(), false);
    let read = json::for_each_item(list, |item| {
        too_many = objects.len() == MAX_OBJECTS;
        objects.push(item);
        if too_many { Err(String::new()) } else { Ok(()) }
    });
    if too_many {
        return Err(BundleFault::TooMany);
    }
    read.map_err(unreadable)?;
    if objects.is_empty() { Err(BundleFault::Empty) } else { Ok(objects) }
}

fn unreadable(error: serde_json::Error) -> BundleFault {
    BundleFault::Json(safe(&error.to_string(), 160))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::{BundleFault, Cut, Cutter, read};

    /// What a cutter makes of a text that comes in pieces of this length.
    fn cut(text: &[u8], longest: usize, piece: usize) -> Result<Vec<String>, BundleFault> {
        let (mut cutter, mut pieces, mut objects) = (Cutter::new(longest), text.chunks(piece), Vec::new());
        loop {
            match cutter.cut()? {
                Cut::Object(object) => objects.push(object),
                Cut::End => return Ok(objects),
                Cut::More => match pieces.next() {
                    Some(piece) => cutter.push(piece),
                    None => cutter.end(),
                },
            }
        }
    }

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
    #[test]
    fn a_bundle_is_cut_as_it_comes() {
        let text = " \u{feff}{\"id\" : \"x\\\"]}\", \"objects\": [ {\"a\":\"}\\\\\"} ,\n5, [[]]\t], \"n\": {\"objects\":[]},\"type\":\"bundle\" }\n";
        let text = text.trim_start();
        for piece in 1..text.len() {
            assert_eq!(cut(text.as_bytes(), 20, piece).unwrap(), ["{\"a\":\"}\\\\\"}", "5", "[[]]"]);
            assert_eq!(cut(text.as_bytes(), 1_000, piece).unwrap(), read(text).unwrap());
        }
    }

    #[test]
    fn what_is_wrong_is_said_as_soon_as_it_is_seen() {
        for (text, fault) in [
            ("[{}]", BundleFault::NotAnObject),
            (r#"{"objects":[1]}"#, BundleFault::NoType),
            (r#"{"type":"bundle","x":[]}"#, BundleFault::Empty),
            (r#"{"type":"bundle","objects":[1],"objects":[2]}"#, BundleFault::Twice("objects")),
            (r#"{"type":"bundle","type":"x"}"#, BundleFault::Twice("type")),
            (r#"{"objects":[1],"type":"x"}"#, BundleFault::TooLong { position: 1, longest: 10 }),
            (
                r#"{"type":"bundle","objects":[1,22,"333 333 333"]}"#,
                BundleFault::TooLong { position: 3, longest: 10 },
            ),
            (r#"{"objects":[1"#, BundleFault::Json("byte 14: the text ends too early".into())),
            (r#"{"objects":[1 2]}"#, BundleFault::Json("byte 15: expected , or ] here".into())),
            (r#"{"objects":[,]}"#, BundleFault::Json("byte 13: a value is missing".into())),
            (r#"{"objects" 5}"#, BundleFault::Json("byte 12: expected : here".into())),
            (
                r#"{"type":"bundle","objects":[1]} x"#,
                BundleFault::Json("byte 33: something stands behind the end".into()),
            ),
        ] {
            assert_eq!(cut(text.as_bytes(), 10, 3).unwrap_err(), fault, "{text}");
        }
        assert_eq!(cut(b"{\"objects\":[1,\xff\xfe]}", 10, 4).unwrap_err(), BundleFault::NotText(15));
        assert_eq!(cut(b"{\"a\":\"\xff\"}", 100, 4).unwrap_err(), BundleFault::NotText(7));
    }

    proptest! {
        #[test]
        fn both_ways_cut_alike(
            objects in prop::collection::vec("[1-9][0-9]{0,4}|\"[a\\[\\]{},:é ]{0,6}\"|\\{\"a\": ?[0-9]\\}|\\[ ?\\]", 1..6),
            space in "[ \n\t]{0,2}", envelope in 0..3, piece in 1_usize..40,
        ) {
            let list = format!("\"objects\"{space}:[{space}{}{space}]", objects.join(&format!("{space},{space}")));
            let kind = "\"type\":\"bundle\"";
            let text = match envelope {
                0 => format!("{{{space}{kind},{list}}}{space}"),
                1 => format!("{{{list}{space},{kind}}}"),
                _ => format!("{space}{{\"id\":\"b\",{list},{kind},\"x\":{{\"y\":[1]}}}}"),
            };
            prop_assert_eq!(cut(text.as_bytes(), 12.min(text.len() - 1), piece).unwrap(), objects.clone());
            prop_assert_eq!(read(&text).unwrap(), objects);
        }
    }
}
