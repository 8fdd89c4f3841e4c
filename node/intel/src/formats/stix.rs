//! A STIX 2.1 bundle: the objects exactly as they were published, and the TLP markings that they name.

use serde_json::json;
use uuid::Uuid;

use super::Head;
use crate::Object;
use crate::tlp::Tlp;

/// A bundle in the making. Objects go in as their exact texts; the markings stand at the end, since it takes all objects
/// to know which are named.
#[derive(Debug, Default)]
pub struct Bundle {
    begun: bool,
    named: [bool; Tlp::ALL.len()],
    shipped: [bool; Tlp::ALL.len()],
}

/// The id of a bundle whose content `content` stands for: the same content has the same id, so that a list that hasn't
/// changed is byte for byte the same.
#[must_use]
pub fn bundle_id(content: &[u8]) -> String {
    format!("bundle--{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, content))
}

/// A marking definition that states something; the same statement has the same id.
fn statement_marking(statement: &str) -> String {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, statement.as_bytes());
    let marking = json!({
        "type": "marking-definition", "spec_version": "2.1", "id": format!("marking-definition--{id}"),
        "created": "2026-01-01T00:00:00.000Z", "definition_type": "statement", "definition": { "statement": statement },
    });
    marking.to_string()
}

impl Bundle {
    /// Appends what stands before the first object.
    pub fn begin(&mut self, id: &str, out: &mut String) {
        out.extend(["{\"type\":\"bundle\",\"id\":\"", id, "\",\"objects\":["]);
    }

    /// Appends, before the first object, what a reader has to know. Bundles have neither comments nor properties of one's
    /// own, and what was published is never edited: it is an object that states it.
    pub fn warn(&mut self, head: &Head<'_>, out: &mut String) {
        if let Some(statement) = head.exercise_warning() {
            self.state(&statement, out);
        }
    }

    /// Appends an object that states this.
    pub fn state(&mut self, statement: &str, out: &mut String) {
        self.push(&statement_marking(statement), out);
    }

    /// Appends an object.
    pub fn object(&mut self, object: &Object<'_>, out: &mut String) {
        for tlp in Tlp::ALL {
            self.shipped[tlp as usize] |= object.id() == tlp.marking_id();
            self.named[tlp as usize] |= object.json().contains(tlp.marking_id());
        }
        self.push(object.json(), out);
    }

    /// Appends the markings, and what closes the bundle.
    pub fn end(&mut self, out: &mut String) {
        for tlp in Tlp::ALL {
            if self.named[tlp as usize] && !self.shipped[tlp as usize] {
                self.push(tlp.marking_definition(), out);
            }
        }
        out.push_str("\n]}\n");
    }

    fn push(&mut self, json: &str, out: &mut String) {
        let before = if std::mem::replace(&mut self.begun, true) { ",\n" } else { "\n" };
        out.extend([before, json]);
    }
}
