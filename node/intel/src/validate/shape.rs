//! The shapes that property values can be asked to have, and the check of one value against its shape.
//!
//! Shapes nest as the tables in [`super::rules`] say, a few levels, whatever the nesting of the text.

use std::collections::BTreeSet;

use super::form::{self, Form};
use super::place::Place;
use super::reference::Refers;
use super::rules;
use crate::object::{ObjectFault, Properties, has_uuid, quote, type_of_id};
use crate::{json, timestamp};

/// What a property's JSON value must look like.
#[derive(Debug)]
pub(super) enum Shape {
    /// A string that is more than spaces.
    Text,
    /// Any string.
    String,
    /// `true` or `false`.
    Bool,
    /// A whole number from the first to the second.
    Count(i64, i64),
    /// A number from the first to the second.
    Number(f64, f64),
    /// A timestamp in UTC.
    Time,
    /// A string of a form.
    Form(&'static Form),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// The id of an object.
    Id(Refers),
    /// A list of these, not empty.
    List(&'static Shape),
    /// A JSON object with any keys and such values, not empty.
    Dictionary(&'static Shape),
    /// Hashes by their algorithms.
    Hashes,
    /// Strings by the names of variables, which hold what no key of a dictionary may (`ProgramFiles(x86)`).
    Variables,
    /// A JSON object with these properties.
    Parts(&'static Body),
    /// One of these two, or a fault as for the second.
    Either(&'static Shape, &'static Shape),
    /// Anything but null, an empty list or an empty object.
    Anything,
}

/// Any whole number that all readers of JSON agree about (STIX 2.1, section 2.8).
pub(super) const INTEGER: Shape = Shape::Count(-9_007_199_254_740_991, 9_007_199_254_740_991);
/// The same without the negative ones.
pub(super) const SIZE: Shape = Shape::Count(0, 9_007_199_254_740_991);

/// The properties of an object, or of an object within it.
#[derive(Debug, Default)]
pub(super) struct Body {
    /// What must be there.
    pub(super) needs: &'static [Need],
    /// What may be there; properties that are not named may hold anything.
    pub(super) knows: &'static [(&'static str, Shape)],
    /// Groups of properties of which one must be there, and the rule in words.
    pub(super) one_of: &'static [(&'static [&'static str], &'static str)],
}

/// A required property, its shape, and why it is there.
#[derive(Debug)]
pub(super) struct Need(pub(super) &'static str, pub(super) Shape, pub(super) &'static str);

impl Body {
    /// The shape of a property.
    pub(super) fn shape(&self, name: &str) -> Option<&'static Shape> {
        let needed = self.needs.iter().find(|need| need.0 == name).map(|need| &need.1);
        needed.or_else(|| self.knows.iter().find(|(known, _)| *known == name).map(|(_, shape)| shape))
    }

    /// Checks that nothing is missing of what must be there.
    pub(super) fn check_presence(
        &self,
        place: &Place<'_>,
        properties: &Properties<'_>,
    ) -> Result<(), ObjectFault> {
        for Need(name, _, why) in self.needs {
            if properties.get(name).is_none() {
                return Err(place.property(name).missing(why));
            }
        }
        for (names, why) in self.one_of {
            if names.iter().all(|name| properties.get(name).is_none()) {
                return Err(place.property(names.first().unwrap_or(&"")).missing(why));
            }
        }
        Ok(())
    }

    fn check(&'static self, place: &Place<'_>, value: &str) -> Result<(), ObjectFault> {
        let properties = object(place, value)?;
        self.check_presence(place, &properties)?;
        if self.needs.is_empty() && properties.iter().all(|(name, _)| self.shape(name).is_none()) {
            return Err(place.wrong("has none of the properties that belong there"));
        }
        properties.iter().try_for_each(|(name, value)| {
            let place = place.property(name);
            self.shape(name)
                .map_or_else(|| check_custom(&place, name, value), |shape| shape.check(&place, value))
        })
    }
}

impl Shape {
    /// Checks the JSON text `value`, which stands at `place`.
    pub(super) fn check(&'static self, place: &Place<'_>, value: &str) -> Result<(), ObjectFault> {
        match self {
            Shape::List(shape) => items(place, value, &mut |place, item| shape.check(place, item)),
            Shape::Dictionary(shape) => {
                dictionary(place, value, &mut |place, _, value| shape.check(place, value))
            }
            Shape::Hashes => dictionary(place, value, &mut |place, name, value| match name.len() {
                0..3 => Err(place.wrong("names no algorithm; its name has at least 3 characters")),
                _ => hash(name).check(place, value),
            }),
            Shape::Variables => {
                let variables = object(place, value)?;
                variables
                    .iter()
                    .try_for_each(|(name, value)| Shape::String.check(&place.property(name), value))
            }
            Shape::Parts(body) => body.check(place, value),
            Shape::Either(one, other) => one.check(place, value).or_else(|_| other.check(place, value)),
            plain if plain.fits(value) => Ok(()),
            plain => Err(place.wrong(format!("is {}; {}", quote(value), plain.rule()))),
        }
    }

    /// Whether `value` has this shape, if the shape is one without parts.
    fn fits(&self, value: &str) -> bool {
        let text = json::string(value);
        let is = |fits: &dyn Fn(&str) -> bool| text.as_deref().is_some_and(fits);
        match self {
            Shape::Text => is(&|text| !text.trim().is_empty()),
            Shape::String => text.is_some(),
            Shape::Bool => matches!(value, "true" | "false"),
            Shape::Count(least, most) => value.parse().is_ok_and(|count| (*least..=*most).contains(&count)),
            Shape::Number(least, most) => {
                let number = value.starts_with(|c: char| c.is_ascii_digit() || c == '-');
                number && value.parse().is_ok_and(|number| (*least..=*most).contains(&number))
            }
            Shape::Time => is(&timestamp::is_utc),
            Shape::Form(form) => is(&form.fits),
            Shape::OneOf(words) => is(&|text| words.contains(&text)),
            Shape::Id(refers) => is(&|text| {
                has_uuid(text) && type_of_id(text).is_some_and(|object_type| refers.allows(object_type))
            }),
            _ => !matches!(value, "null") && !is_empty(value),
        }
    }

    /// The rule of a shape without parts, in words.
    fn rule(&self) -> String {
        match self {
            Shape::Text => "it must be a text that is not empty".to_owned(),
            Shape::String => "it must be a text".to_owned(),
            Shape::Bool => "it must be true or false".to_owned(),
            Shape::Count(least, most) => format!("it must be a whole number from {least} to {most}"),
            Shape::Number(least, most) => format!("it must be a number from {least} to {most}"),
            Shape::Time => "it must be a time in UTC such as 2026-01-31T08:00:00.000Z".to_owned(),
            Shape::Form(form) => format!("it must be {}", form.rule),
            Shape::OneOf(words) => format!("it must be one of {}", words.join(", ")),
            Shape::Id(refers) => format!("it must be {}", refers.rule()),
            _ => "leave out what has no value".to_owned(),
        }
    }
}

/// Whether a list or a JSON object has nothing in it.
fn is_empty(value: &str) -> bool {
    let inner = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let inner = inner.or_else(|| value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

/// Checks a property that the standard does not know (section 11.1).
pub(super) fn check_custom(place: &Place<'_>, name: &str, value: &str) -> Result<(), ObjectFault> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let named = begins && (3..=250).contains(&name.len()) && name.bytes().all(plain);
    match named || name == "id" {
        false => Err(place.wrong(format!("has a name that no property can have; {PROPERTY_RULE}"))),
        true if rules::RESERVED.contains(&name) => {
            Err(place.wrong("has a name that the standard keeps for itself; name it x_…"))
        }
        true => Shape::Anything.check(place, value),
    }
}

const PROPERTY_RULE: &str =
    "a property is named with 3 to 250 lower-case letters, digits and underscores, beginning with a letter";

/// The properties of a JSON object, which must be one and not be empty.
fn object<'v>(place: &Place<'_>, value: &'v str) -> Result<Properties<'v>, ObjectFault> {
    if !value.starts_with('{') || is_empty(value) {
        return Err(place.wrong(format!("is {}; it must be a JSON object, and not empty", quote(value))));
    }
    Properties::read(value).map_err(|fault| match fault {
        ObjectFault::Twice(name) => ObjectFault::Twice(place.property(&name).to_string()),
        other => place.wrong(format!("is {other}")),
    })
}

/// Checks every item of a list, which must be one and not be empty.
pub(super) fn items(
    place: &Place<'_>,
    value: &str,
    check: &mut dyn FnMut(&Place<'_>, &str) -> Result<(), ObjectFault>,
) -> Result<(), ObjectFault> {
    if !value.starts_with('[') || is_empty(value) {
        return Err(place.wrong(format!("is {}; it must be a list, and not empty", quote(value))));
    }
    let (mut index, mut fault) = (0, None);
    let _ = json::for_each_item(value, |item| {
        let checked = check(&place.item(index), item);
        index += 1;
        checked.map_err(|found| fault = Some(found)).map_err(|()| String::new())
    });
    fault.map_or(Ok(()), Err)
}

/// Checks every key of a dictionary (STIX 2.1, section 2.4) and, with its key, every value.
pub(super) fn dictionary(
    place: &Place<'_>,
    value: &str,
    check: &mut dyn FnMut(&Place<'_>, &str, &str) -> Result<(), ObjectFault>,
) -> Result<(), ObjectFault> {
    if !value.starts_with('{') || is_empty(value) {
        return Err(place.wrong(format!("is {}; it must be a JSON object, and not empty", quote(value))));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let (mut seen, mut fault) = (BTreeSet::new(), None);
    let _ = json::for_each_property(value, |name, value| {
        let place = place.property(&name);
        let checked = match name.len() <= 250 && name.bytes().all(plain) {
            true => check(&place, &name, value),
            false => {
                Err(place.wrong("must have a key of at most 250 letters, digits, hyphens and underscores"))
            }
        };
        let twice = ObjectFault::Twice(place.to_string());
        let checked = checked.and_then(|()| if seen.insert(name.into_owned()) { Ok(()) } else { Err(twice) });
        checked.map_err(|found| fault = Some(found)).map_err(|()| String::new())
    });
    fault.map_or(Ok(()), Err)
}

/// The shape of a hash by the name of its algorithm (STIX 2.1, section 10.7); others are free.
fn hash(algorithm: &str) -> &'static Shape {
    static SHAPES: [(&str, Shape); 8] = [
        ("MD5", Shape::Form(&form::MD5)),
        ("SHA-1", Shape::Form(&form::SHA1)),
        ("SHA-256", Shape::Form(&form::SHA256)),
        ("SHA-512", Shape::Form(&form::SHA512)),
        ("SHA3-256", Shape::Form(&form::SHA256)),
        ("SHA3-512", Shape::Form(&form::SHA512)),
        ("SSDEEP", Shape::Form(&form::SSDEEP)),
        ("TLSH", Shape::Form(&form::TLSH)),
    ];
    SHAPES.iter().find(|(known, _)| *known == algorithm).map_or(&Shape::Text, |(_, shape)| shape)
}
