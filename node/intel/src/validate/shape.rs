//! The shapes that property values can be asked to have.

use crate::object::type_of_id;
use crate::{json, timestamp};

/// What a property's JSON value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A string that is more than spaces.
    Text,
    /// `true` or `false`.
    Bool,
    /// A whole number from the first to the second.
    Count(u64, u64),
    /// A timestamp in UTC.
    Time,
    /// The id of an object.
    Id,
    /// The id of an object of this type.
    IdOf(&'static str),
    /// A list of at least one id.
    Ids,
    /// A list of at least one id of a marking definition.
    Markings,
    /// A list that is not empty.
    List,
    /// A JSON object that is not empty.
    Dictionary,
}

impl Shape {
    /// Whether the JSON text `value` has this shape.
    pub(super) fn fits(self, value: &str) -> bool {
        let text = json::string(value);
        match self {
            Shape::Text => text.is_some_and(|text| !text.trim().is_empty()),
            Shape::Bool => matches!(value, "true" | "false"),
            Shape::Count(least, most) => value.parse().is_ok_and(|count| (least..=most).contains(&count)),
            Shape::Time => text.is_some_and(|text| timestamp::is_utc(&text)),
            Shape::Id => text.is_some_and(|text| type_of_id(&text).is_some()),
            Shape::IdOf(object_type) => text.is_some_and(|text| type_of_id(&text) == Some(object_type)),
            Shape::Ids => all_items(value, |item| Shape::Id.fits(item)),
            Shape::Markings => all_items(value, |item| Shape::IdOf("marking-definition").fits(item)),
            Shape::List => all_items(value, |_| true),
            Shape::Dictionary => {
                value.strip_prefix('{').is_some_and(|rest| !rest.trim_start().starts_with('}'))
            }
        }
    }

    /// The rule in words.
    pub(super) fn rule(self) -> String {
        match self {
            Shape::Text => "it must be a text that is not empty".to_owned(),
            Shape::Bool => "it must be true or false".to_owned(),
            Shape::Count(least, most) => format!("it must be a whole number from {least} to {most}"),
            Shape::Time => "it must be a time in UTC such as 2026-01-31T08:00:00.000Z".to_owned(),
            Shape::Id => "it must be the id of an object: a type, two hyphens and a UUID".to_owned(),
            Shape::IdOf(object_type) => format!("it must be an id that begins with {object_type}--"),
            Shape::Ids => "it must be a list of ids, and not empty".to_owned(),
            Shape::Markings => {
                "it must be a list of ids that begin with marking-definition--, and not empty".to_owned()
            }
            Shape::List => "it must be a list, and not empty".to_owned(),
            Shape::Dictionary => "it must be a JSON object, and not empty".to_owned(),
        }
    }
}

fn all_items(list: &str, fits: impl Fn(&str) -> bool) -> bool {
    let mut items = 0_usize;
    let read = json::for_each_item(list, |item| {
        items += 1;
        if fits(item) { Ok(()) } else { Err(String::new()) }
    });
    read.is_ok() && items > 0
}
