//! JSON read in place: properties, list items and strings as slices of the text they stand in.
//!
//! Nothing is built for what nobody asks for, so a hostile text costs no more memory than its own length, and no
//! nesting can exhaust the stack.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The deepest nesting of lists and objects that is read, counting the outermost.
pub(crate) const MAX_DEPTH: usize = 128;

/// Calls `each` with the name and value of every property of the JSON object `text`, in order, duplicates too.
/// An error of `each` ends the reading and becomes the message.
pub(crate) fn for_each_property<'a, F>(text: &'a str, each: F) -> serde_json::Result<()>
where
    F: FnMut(Cow<'a, str>, &'a str) -> Result<(), String>,
{
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_map(Properties(each))?;
    reader.end()
}

/// Calls `each` with every item of the JSON list `text`, in order, as [`for_each_property`] does.
pub(crate) fn for_each_item<'a, F>(text: &'a str, each: F) -> serde_json::Result<()>
where
    F: FnMut(&'a str) -> Result<(), String>,
{
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_seq(Items(each))?;
    reader.end()
}

/// The value of the first property of this name in the JSON object `text`.
pub(crate) fn property<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    let _ = for_each_property(text, |theirs, value| {
        if found.is_none() && theirs == name {
            found = Some(value);
        }
        Ok(())
    });
    found
}

/// The JSON string that `value` is, borrowed when it holds no escape; nothing for any other value.
pub(crate) fn string(value: &str) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(value).ok().map(Cow::Owned)
}

/// The strings of a JSON list; items that are no strings are passed over, and any other value has none.
pub(crate) fn strings(value: &str, mut each: impl FnMut(Cow<'_, str>)) {
    let _ = for_each_item(value, |item| {
        if let Some(text) = string(item) {
            each(text);
        }
        Ok(())
    });
}

/// How deep `json`, which must be well-formed, nests lists and objects.
pub(crate) fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => skip_string(&mut bytes),
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn skip_string(bytes: &mut impl Iterator<Item = u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
}

/// Whether an escape in `json`, which must be well-formed, is half of a surrogate pair without the other half:
/// such a text has no Unicode meaning (RFC 7493, section 2.1).
pub(crate) fn has_lone_surrogate(json: &str) -> bool {
    let mut rest = json;
    while let Some((escape, after)) = next_escape(rest) {
        rest = after;
        match escape {
            0xdc00..=0xdfff => return true,
            0xd800..=0xdbff => match low_half(rest) {
                Some(after) => rest = after,
                None => return true,
            },
            _ => {}
        }
    }
    false
}

/// The code of the next `\uXXXX`, and what follows it.
fn next_escape(text: &str) -> Option<(u16, &str)> {
    let mut rest = text;
    loop {
        let (_, escaped) = rest.split_once('\\')?;
        match escaped.strip_prefix('u') {
            Some(hex) => return Some((u16::from_str_radix(hex.get(..4)?, 16).ok()?, &hex[4..])),
            None => {
                let mut characters = escaped.chars();
                characters.next();
                rest = characters.as_str();
            }
        }
    }
}

fn low_half(text: &str) -> Option<&str> {
    let hex = text.strip_prefix("\\u")?;
    let code = u16::from_str_radix(hex.get(..4)?, 16).ok()?;
    (0xdc00..=0xdfff).contains(&code).then(|| &hex[4..])
}

struct Properties<F>(F);

impl<'a, F> Visitor<'a> for Properties<F>
where
    F: FnMut(Cow<'a, str>, &'a str) -> Result<(), String>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name)? {
            let value: &'a RawValue = map.next_value()?;
            (self.0)(name, value.get()).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

struct Items<F>(F);

impl<'a, F> Visitor<'a> for Items<F>
where
    F: FnMut(&'a str) -> Result<(), String>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON list")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<&'a RawValue>()? {
            (self.0)(item.get()).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

/// A property's name, borrowed when it holds no escape.
struct Name;

impl<'a> DeserializeSeed<'a> for Name {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Name {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{depth, for_each_property, has_lone_surrogate, string};

    #[test]
    fn reads_in_place() {
        let text = r#" {"a":1, "\u0062" : [ 2 ] , "a":"x\"y"} "#;
        let mut seen = Vec::new();
        let read = for_each_property(text, |name, value| {
            seen.push((name.into_owned(), value));
            Ok(())
        });
        assert!(read.is_ok());
        let expected = [("a", "1"), ("b", "[ 2 ]"), ("a", r#""x\"y""#)];
        assert_eq!(seen, expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(string(seen[2].1).as_deref(), Some("x\"y"));
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "{", "{} x", "{'a':1}", "{\"a\":01}", "{\"a\":\"\n\"}", "[1,]", "1", r#"{"a":"\x"}"#]
        {
            assert!(for_each_property(text, |_, _| Ok(())).is_err(), "{text}");
        }
    }

    #[test]
    fn measures_depth_outside_strings() {
        for (text, expected) in [("1", 0), ("{}", 1), (r#"{"[[[":["\"{{"]}"#, 2), ("[[],[[]]]", 3)] {
            assert_eq!(depth(text), expected, "{text}");
        }
    }

    #[test]
    fn finds_halves_of_pairs() {
        for (text, lone) in [
            (r#""\ud83d\ude00""#, false),
            (r#""\ud83d""#, true),
            (r#""\ud83dx\ude00""#, true),
            (r#""\ude00\ud83d""#, true),
            (r#""\\ud83d""#, false),
            (r#""\\\ud83d""#, true),
            (r#""\"\u0041""#, false),
        ] {
            assert_eq!(has_lone_surrogate(text), lone, "{text}");
        }
    }
}
