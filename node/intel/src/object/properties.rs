//! The properties of a JSON object, found by name.

use std::borrow::Cow;

use super::{MAX_PROPERTIES, MAX_QUOTE, ObjectFault, quote};
use crate::display::safe;
use crate::json;

/// The top-level properties of a JSON object, sorted by name, each there once.
#[derive(Debug, Clone)]
pub(crate) struct Properties<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Properties<'a> {
    pub(crate) fn read(json: &'a str) -> Result<Self, ObjectFault> {
        let mut properties = Vec::new();
        let read = json::for_each_property(json, |name, value| {
            if properties.len() == MAX_PROPERTIES {
                return Err(format!("more than {MAX_PROPERTIES} properties"));
            }
            properties.push((name, value));
            Ok(())
        });
        read.map_err(|error| unreadable(json, &error))?;
        properties.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        match properties.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(ObjectFault::Twice(safe(&pair[0].0, MAX_QUOTE))),
            None => Ok(Self(properties)),
        }
    }

    pub(crate) fn get(&self, property: &str) -> Option<&'a str> {
        let place = self.0.binary_search_by(|(name, _)| name.as_ref().cmp(property)).ok()?;
        Some(self.0[place].1)
    }

    pub(crate) fn text(&self, property: &str) -> Option<Cow<'a, str>> {
        json::string(self.get(property)?)
    }

    /// Every property, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    pub(super) fn required_text(
        &self,
        property: &'static str,
        why: &str,
    ) -> Result<Cow<'a, str>, ObjectFault> {
        match self.get(property) {
            None => Err(ObjectFault::Missing(property.into(), why.to_owned())),
            Some(value) => json::string(value).ok_or_else(|| {
                ObjectFault::Wrong(property.into(), format!("must be a string, not {}", quote(value)))
            }),
        }
    }
}

fn unreadable(json: &str, error: &serde_json::Error) -> ObjectFault {
    match json.trim_start().bytes().next() {
        Some(b'{') | None => ObjectFault::Json(safe(&error.to_string(), 160)),
        Some(_) if error.is_data() => ObjectFault::NotAnObject,
        Some(_) => ObjectFault::Json(safe(&error.to_string(), 160)),
    }
}
