//! Writes one object, property by property, in the order in which people read them.

use uuid::Builder;

use crate::tlp::Tlp;

/// An object in the making.
#[derive(Debug)]
pub(super) struct Writing {
    json: String,
}

impl Writing {
    pub(super) fn new(object_type: &str, id: &str) -> Self {
        let mut object = Self { json: String::from("{") };
        object.text("type", object_type);
        object.text("spec_version", "2.1");
        object.text("id", id);
        object
    }

    /// Adds a string.
    pub(super) fn text(&mut self, property: &str, text: &str) {
        self.json(property, &quoted(text));
    }

    /// Adds a list of strings, unless it is empty.
    pub(super) fn texts(&mut self, property: &str, texts: &[String]) {
        let quoted: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
        if !quoted.is_empty() {
            self.json(property, &format!("[{}]", quoted.join(",")));
        }
    }

    /// Adds JSON as it stands.
    pub(super) fn json(&mut self, property: &str, json: &str) {
        let comma = if self.json.ends_with('{') { "" } else { "," };
        self.json.extend([comma, &quoted(property), ":", json]);
    }

    /// The whole object, with its marking.
    pub(super) fn marked(mut self, tlp: Tlp) -> String {
        self.texts("object_marking_refs", &[tlp.marking_id().to_owned()]);
        self.json + "}"
    }
}

/// A JSON string, escaped as little as RFC 8785 does.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An id of version 4, from 16 random bytes.
pub(super) fn random_id(object_type: &str, random: [u8; 16]) -> String {
    format!("{object_type}--{}", Builder::from_random_bytes(random).into_uuid())
}
