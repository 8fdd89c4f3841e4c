//! The lenient reading of one STIX object: what decides, on every node alike, whether a text in a record's body is an
//! object at all.
//!
//! The rule is small and must never change, or two nodes would show different views. A text is an object when
//!
//! 1. it is one JSON object (RFC 8259), nested at most 128 deep, with no half of a surrogate pair;
//! 2. it has at most 1,024 properties, none of them twice;
//! 3. `type` is a string of ASCII letters, digits, `-` and `_`, and `id` is `<type>--<uuid>`, at most 256 bytes.
//!
//! Whatever else is wrong is read as absent. What publishers must keep beyond that is in [`crate::validate`].

mod facts;
mod properties;

use std::borrow::Cow;

use crate::display::safe;
use crate::tlp::Tlp;
use crate::{json, timestamp};

pub use facts::{MAX_REFERENCES, Opinion, Relationship, Sighting, Stance};
pub(crate) use properties::Properties;

/// The most bytes of an object's id.
pub const MAX_ID_LEN: usize = 256;
/// The most properties of an object.
pub const MAX_PROPERTIES: usize = 1_024;
/// The most labels of an object that are read, and the most bytes of one of them.
const MAX_LABELS: usize = 64;
const MAX_LABEL_LEN: usize = 256;
/// The most characters of a name or of a quotation in an error.
const MAX_NAME: usize = 256;
const MAX_QUOTE: usize = 60;

/// Why a text is not a STIX object, or not one that may be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectFault {
    /// The text is not JSON, or has more than [`MAX_PROPERTIES`] properties.
    #[error("not readable as JSON: {0}")]
    Json(String),
    /// The text is JSON, but a list, a string or a number.
    #[error("not a JSON object")]
    NotAnObject,
    /// Lists and objects nest deeper than 128.
    #[error("nested more than {} deep", json::MAX_DEPTH)]
    TooDeep,
    /// An escape such as `\ud83d` stands without its other half.
    #[error("it has half of a surrogate pair (\\ud800 to \\udfff), which is no text")]
    LoneSurrogate,
    /// A property stands twice, so that two readers could see two different objects.
    #[error("property \"{0}\" stands there twice")]
    Twice(String),
    /// A required property, such as `kill_chain_phases[0].phase_name`, is absent; the second part says what it is for.
    #[error("property \"{0}\" is missing; {1}")]
    Missing(Cow<'static, str>, String),
    /// A property has a value that breaks a rule; the second part completes the sentence.
    #[error("property \"{0}\" {1}")]
    Wrong(Cow<'static, str>, String),
}

/// One STIX object: its identity, and its other properties as slices of its text, read when asked for.
#[derive(Debug, Clone)]
pub struct Object<'a> {
    json: &'a str,
    id: Cow<'a, str>,
    object_type: Cow<'a, str>,
    properties: Properties<'a>,
}

impl<'a> Object<'a> {
    /// Reads `json` by the rule at the head of this module.
    ///
    /// # Errors
    /// What breaks the rule first.
    pub fn read(json: &'a str) -> Result<Self, ObjectFault> {
        let properties = Properties::read(json)?;
        if json::depth(json) > json::MAX_DEPTH {
            return Err(ObjectFault::TooDeep);
        }
        if json::has_lone_surrogate(json) {
            return Err(ObjectFault::LoneSurrogate);
        }
        let object_type = properties.required_text("type", "it says what kind of object this is")?;
        let id = properties.required_text("id", "every object is known by one")?;
        check_identity(&object_type, &id)?;
        Ok(Self { json, id, object_type, properties })
    }

    /// The exact text.
    #[must_use]
    pub fn json(&self) -> &'a str {
        self.json
    }

    /// `<type>--<uuid>`, at most [`MAX_ID_LEN`] bytes of ASCII.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `indicator`, `malware`, `x-my-type`, …: ASCII letters, digits, `-` and `_`.
    #[must_use]
    pub fn object_type(&self) -> &str {
        &self.object_type
    }

    /// The version: `modified` or, without one, `created`, in microseconds since the Unix epoch.
    #[must_use]
    pub fn modified(&self) -> Option<i64> {
        self.time("modified").or_else(|| self.time("created"))
    }

    /// When an indicator ends, in microseconds since the Unix epoch.
    #[must_use]
    pub fn valid_until(&self) -> Option<i64> {
        self.time("valid_until")
    }

    /// Whether this version takes the object back.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.value("revoked") == Some("true")
    }

    /// The identity that made the object, if it is at most [`MAX_ID_LEN`] bytes.
    #[must_use]
    pub fn created_by_ref(&self) -> Option<Cow<'a, str>> {
        self.text("created_by_ref").filter(|id| id.len() <= MAX_ID_LEN)
    }

    /// What a table shows for the object, safe to show and at most 256 characters: its name or, without one, its value,
    /// its pattern, or what it is to what.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let named = ["name", "value", "pattern", "relationship_type", "abstract", "content", "path", "key"];
        let text = named.into_iter().find_map(|property| self.text(property))?;
        Some(safe(&text, MAX_NAME))
    }

    /// The strictest TLP of the object: its own marking (see [`Self::own_tlp`]), or AMBER without one, raised by any
    /// stricter granular marking. A granular marking never lowers it, since it says nothing of the other properties.
    #[must_use]
    pub fn tlp(&self) -> Tlp {
        let unmarked = if self.is_tlp_marking() { Tlp::Clear } else { Tlp::Amber };
        let own = self.own_tlp().unwrap_or(unmarked);
        self.granular_tlp().map_or(own, |granular| granular.max(own))
    }

    /// The strictest TLP in `object_marking_refs`, if there is one.
    #[must_use]
    pub fn own_tlp(&self) -> Option<Tlp> {
        let refs = self.value("object_marking_refs")?;
        let mut strictest = json::string(refs).and_then(|id| Tlp::from_marking_id(&id));
        json::strings(refs, |id| strictest = strictest.max(Tlp::from_marking_id(&id)));
        strictest
    }

    /// All properties, found by name.
    pub(crate) fn properties(&self) -> &Properties<'a> {
        &self.properties
    }

    /// A property's JSON text.
    pub(crate) fn value(&self, property: &str) -> Option<&'a str> {
        self.properties.get(property)
    }

    /// A property's string.
    pub(crate) fn text(&self, property: &str) -> Option<Cow<'a, str>> {
        self.properties.text(property)
    }

    pub(crate) fn time(&self, property: &str) -> Option<i64> {
        timestamp::micros(&self.text(property)?)
    }

    fn is_tlp_marking(&self) -> bool {
        Tlp::from_marking_id(&self.id).is_some()
    }

    fn granular_tlp(&self) -> Option<Tlp> {
        let mut strictest = None;
        let _ = json::for_each_item(self.value("granular_markings")?, |marking| {
            let _ = json::for_each_property(marking, |name, value| {
                let id = json::string(value).filter(|_| name == "marking_ref");
                strictest = strictest.max(id.and_then(|id| Tlp::from_marking_id(&id)));
                Ok(())
            });
            Ok(())
        });
        strictest
    }
}

/// Whether `text` is an id: the type that it begins with, if so.
pub(crate) fn type_of_id(text: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let split = text.len().checked_sub(36)?;
    let object_type = text.get(..split)?.strip_suffix("--")?;
    let sound = !object_type.is_empty() && object_type.bytes().all(plain) && is_uuid(text.get(split..)?);
    (sound && text.len() <= MAX_ID_LEN).then_some(object_type)
}

/// Whether an id ends in a UUID of RFC 4122, of one of its versions.
pub(crate) fn has_uuid(id: &str) -> bool {
    let variant = id.len().checked_sub(17).and_then(|place| id.as_bytes().get(place));
    let is_ours = variant.is_some_and(|b| matches!(b, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'));
    is_ours && type_of_id(id).is_some() && matches!(uuid_version(id), Some('1'..='5'))
}

/// The digit that says how the UUID of an id was made.
pub(crate) fn uuid_version(id: &str) -> Option<char> {
    let place = id.len().checked_sub(22)?;
    id.as_bytes().get(place).map(|digit| char::from(*digit))
}

/// A text of the file as an error quotes it.
pub(crate) fn quote(text: &str) -> String {
    safe(text, MAX_QUOTE)
}

fn is_uuid(text: &str) -> bool {
    let shape = |(i, b): (usize, u8)| match i {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(shape)
}

fn check_identity(object_type: &str, id: &str) -> Result<(), ObjectFault> {
    let wrong = |why: String| Err(ObjectFault::Wrong("id".into(), why));
    match type_of_id(id) {
        Some(theirs) if theirs == object_type => Ok(()),
        Some(_) => wrong(format!(
            "is {}, which does not begin with the object's type, {}",
            quote(id),
            quote(object_type)
        )),
        None if id.len() > MAX_ID_LEN => {
            wrong(format!("has {} bytes; an id has at most {MAX_ID_LEN}", id.len()))
        }
        None => wrong(format!("is \"{}\"; an id is a type, two hyphens and a UUID", quote(id))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
