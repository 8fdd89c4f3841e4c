//! What views, filters and tables ask of an object beyond its identity. Whatever breaks the standard is read as absent.

use crate::json;

use super::{MAX_LABEL_LEN, MAX_LABELS, MAX_NAME, Object, type_of_id};
use crate::display::safe;

/// The most references of an object that are read.
pub const MAX_REFERENCES: usize = 4_096;
/// The most ATT&CK techniques of an object that are read.
const MAX_TECHNIQUES: usize = 64;
/// The longest name of a property that refers.
const MAX_PROPERTY: usize = 64;

/// The parts of a sighting (STIX 2.1, section 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The id of what was seen.
    pub of: String,
    /// How often; 1 where the object doesn't say.
    pub count: u64,
    /// When first, in microseconds since the Unix epoch.
    pub first_seen: Option<i64>,
    /// When last.
    pub last_seen: Option<i64>,
}

/// What an opinion says (STIX 2.1, section 10.18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stance {
    /// `strongly-disagree`: what the object says is wrong.
    StronglyDisagree,
    /// `disagree`
    Disagree,
    /// `neutral`
    Neutral,
    /// `agree`
    Agree,
    /// `strongly-agree`
    StronglyAgree,
}

const STANCES: [(&str, Stance); 5] = [
    ("strongly-disagree", Stance::StronglyDisagree),
    ("disagree", Stance::Disagree),
    ("neutral", Stance::Neutral),
    ("agree", Stance::Agree),
    ("strongly-agree", Stance::StronglyAgree),
];

/// The parts of an opinion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// What it says.
    pub stance: Stance,
    /// The ids of the objects that it is about.
    pub about: Vec<String>,
}

/// The parts of a relationship (STIX 2.1, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relationship {
    /// `indicates`, `based-on`, `uses`, …
    pub kind: String,
    /// The id where it begins.
    pub source: String,
    /// The id where it ends.
    pub target: String,
}

impl<'a> Object<'a> {
    /// How sure its author is, 0 to 100.
    #[must_use]
    pub fn confidence(&self) -> Option<u8> {
        self.value("confidence")?.parse().ok().filter(|confidence| *confidence <= 100)
    }

    /// From when an indicator is valid, in microseconds since the Unix epoch.
    #[must_use]
    pub fn valid_from(&self) -> Option<i64> {
        self.time("valid_from")
    }

    /// When what it speaks of was seen or observed first, in microseconds since the Unix epoch.
    #[must_use]
    pub fn first_seen(&self) -> Option<i64> {
        self.time("first_seen").or_else(|| self.time("first_observed"))
    }

    /// When what it speaks of was seen or observed last, in microseconds since the Unix epoch.
    #[must_use]
    pub fn last_seen(&self) -> Option<i64> {
        self.time("last_seen").or_else(|| self.time("last_observed"))
    }

    /// What it says of itself in prose, as it stands: not safe to show.
    #[must_use]
    pub fn description(&self) -> Option<std::borrow::Cow<'a, str>> {
        ["description", "content", "explanation", "abstract"].into_iter().find_map(|name| self.text(name))
    }

    /// Why its author thinks so: an opinion's.
    #[must_use]
    pub fn explanation(&self) -> Option<std::borrow::Cow<'a, str>> {
        self.text("explanation")
    }

    /// The first 64 of an indicator's types that have at most 256 bytes, as they are.
    #[must_use]
    pub fn indicator_types(&self) -> Vec<String> {
        self.words("indicator_types")
    }

    /// The first 64 of its labels that have at most 256 bytes, as they are.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        self.words("labels")
    }

    /// The ATT&CK techniques that its external references name, such as `T1566` or `T1566.001`: sorted, each once. Its
    /// kill chain phases are tactics, and left out.
    #[must_use]
    pub fn techniques(&self) -> Vec<String> {
        let mut techniques = Vec::new();
        self.each_external_reference(|source, id| {
            let of_attack = source.starts_with("mitre-") && source.ends_with("attack");
            if of_attack && is_technique(id) && techniques.len() < MAX_TECHNIQUES {
                techniques.push(id.to_owned());
            }
        });
        techniques.sort_unstable();
        techniques.dedup();
        techniques
    }

    /// Every id that a top-level `…_ref` or `…_refs` names, with that property, in the order of the properties' names; at
    /// most [`MAX_REFERENCES`]. Markings and the author are among them.
    #[must_use]
    pub fn references(&self) -> Vec<(String, String)> {
        let mut references = Vec::new();
        let refers = |name: &str| name.ends_with("_ref") || name.ends_with("_refs");
        for (name, value) in self.properties.iter().filter(|(name, _)| refers(name)) {
            let mut add = |id: &str| {
                if name.len() <= MAX_PROPERTY && references.len() < MAX_REFERENCES && type_of_id(id).is_some()
                {
                    references.push((name.to_owned(), id.to_owned()));
                }
            };
            match json::string(value) {
                Some(id) => add(&id),
                None => json::strings(value, |id| add(&id)),
            }
        }
        references
    }

    /// The parts of a sighting; nothing for another object, or one that doesn't say what was seen.
    #[must_use]
    pub fn sighting(&self) -> Option<Sighting> {
        let of = self.is_a("sighting").then(|| self.id_in("sighting_of_ref"))??;
        let count = self.value("count").and_then(|count| count.parse().ok()).unwrap_or(1);
        Some(Sighting { of, count, first_seen: self.first_seen(), last_seen: self.last_seen() })
    }

    /// The parts of an opinion; nothing for another object, or one whose opinion is none of the standard's.
    #[must_use]
    pub fn opinion(&self) -> Option<Opinion> {
        let word = self.is_a("opinion").then(|| self.text("opinion"))??;
        let (_, stance) = STANCES.iter().find(|(name, _)| *name == word)?;
        let about = self.references().into_iter().filter(|(property, _)| property == "object_refs");
        Some(Opinion { stance: *stance, about: about.map(|(_, id)| id).collect() })
    }

    /// The parts of a relationship; nothing for another object, or one without both ends.
    #[must_use]
    pub fn relationship(&self) -> Option<Relationship> {
        let kind = self.is_a("relationship").then(|| self.text("relationship_type"))??;
        Some(Relationship {
            kind: safe(&kind, MAX_NAME),
            source: self.id_in("source_ref")?,
            target: self.id_in("target_ref")?,
        })
    }

    /// The source and the id of every external reference that has both, at most [`MAX_REFERENCES`].
    #[must_use]
    pub fn external_ids(&self) -> Vec<(String, String)> {
        let mut ids = Vec::new();
        self.each_external_reference(|source, id| {
            if ids.len() < MAX_REFERENCES {
                ids.push((source.to_owned(), id.to_owned()));
            }
        });
        ids
    }

    /// Calls `each` with the source and the id of every external reference that has both.
    pub(crate) fn each_external_reference(&self, mut each: impl FnMut(&str, &str)) {
        let _ = json::for_each_item(self.value("external_references").unwrap_or_default(), |reference| {
            let (mut source, mut id) = (None, None);
            let _ = json::for_each_property(reference, |name, value| {
                match name.as_ref() {
                    "source_name" => source = json::string(value),
                    "external_id" => id = json::string(value),
                    _ => {}
                }
                Ok(())
            });
            if let (Some(source), Some(id)) = (source, id) {
                each(&source, &id);
            }
            Ok(())
        });
    }

    fn is_a(&self, object_type: &str) -> bool {
        self.object_type == object_type
    }

    fn id_in(&self, property: &str) -> Option<String> {
        self.text(property).filter(|id| type_of_id(id).is_some()).map(Into::into)
    }

    fn words(&self, property: &str) -> Vec<String> {
        let mut words = Vec::new();
        json::strings(self.value(property).unwrap_or_default(), |word| {
            if words.len() < MAX_LABELS && word.len() <= MAX_LABEL_LEN {
                words.push(word.into_owned());
            }
        });
        words
    }
}

/// `T1566` or `T1566.001`.
fn is_technique(id: &str) -> bool {
    let digits = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    let Some(numbers) = id.strip_prefix('T') else { return false };
    match numbers.split_once('.') {
        None => digits(numbers, 4),
        Some((technique, part)) => digits(technique, 4) && digits(part, 3),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::{Relationship, Sighting, Stance};
    use crate::object::Object;

    const UUID: &str = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

    /// The object of this type with these properties.
    fn with<T>(object_type: &str, mut object: Value, ask: impl Fn(&Object<'_>) -> T) -> T {
        object["type"] = object_type.into();
        object["id"] = format!("{object_type}--{UUID}").into();
        ask(&Object::read(&object.to_string()).unwrap())
    }

    fn id(object_type: &str) -> String {
        format!("{object_type}--{UUID}")
    }

    #[test]
    fn reads_times_and_confidence() {
        let object = json!({"confidence": 80, "valid_from": "1970-01-01T00:00:01Z", "first_observed": "1970-01-01T00:00:02Z",
            "last_seen": "1970-01-01T00:00:03Z", "indicator_types": ["c2", 1], "description": "d"});
        with("indicator", object, |object| {
            assert_eq!((object.confidence(), object.valid_from()), (Some(80), Some(1_000_000)));
            assert_eq!((object.first_seen(), object.last_seen()), (Some(2_000_000), Some(3_000_000)));
            assert_eq!(
                (object.indicator_types(), object.description().as_deref()),
                (vec!["c2".into()], Some("d"))
            );
        });
        for wrong in [json!(101), json!(-1), json!("80"), json!(8.5), json!(null)] {
            assert_eq!(with("indicator", json!({"confidence": wrong}), |object| object.confidence()), None);
        }
    }

    #[test]
    fn techniques_are_those_of_attack() {
        let of = |references: Value| {
            with("malware", json!({"external_references": references}), |object| object.techniques())
        };
        let reference = |source: &str, id: &str| json!({"source_name": source, "external_id": id});
        assert_eq!(
            of(json!([
                reference("mitre-attack", "T1566.001"),
                reference("mitre-ics-attack", "T0801"),
                reference("mitre-attack", "T1566.001"),
                reference("mitre-attack", "S0154"),
                reference("mitre-attack", "T15"),
                reference("capec", "T1566"),
                {"source_name": "mitre-attack"}, 7,
            ])),
            ["T0801", "T1566.001"]
        );
        assert!(of(json!("T1566")).is_empty());
    }

    #[test]
    fn references_are_sound_ids() {
        let object = json!({"created_by_ref": id("identity"), "object_refs": [id("tool"), "x", 5], "x_ref": 5,
            "reference": id("tool")});
        let references = with("report", object, |object| object.references());
        assert_eq!(
            references,
            [("created_by_ref".to_owned(), id("identity")), ("object_refs".to_owned(), id("tool"))]
        );
    }

    #[test]
    fn sightings_opinions_and_relationships_come_apart() {
        let seen =
            json!({"sighting_of_ref": id("indicator"), "count": 5, "first_seen": "1970-01-01T00:00:01Z"});
        let sighting =
            Sighting { of: id("indicator"), count: 5, first_seen: Some(1_000_000), last_seen: None };
        assert_eq!(with("sighting", seen.clone(), |object| object.sighting()), Some(sighting));
        assert_eq!(with("malware", seen, |object| object.sighting()), None);
        let said = |word: &str| json!({"opinion": word, "object_refs": [id("indicator")]});
        let opinion = with("opinion", said("strongly-disagree"), |object| object.opinion()).unwrap();
        assert_eq!((opinion.stance, opinion.about), (Stance::StronglyDisagree, vec![id("indicator")]));
        assert_eq!(with("opinion", said("meh"), |object| object.opinion()), None);
        let ends =
            json!({"relationship_type": "uses", "source_ref": id("malware"), "target_ref": id("tool")});
        assert_eq!(
            with("relationship", ends, |object| object.relationship()),
            Some(Relationship { kind: "uses".into(), source: id("malware"), target: id("tool") })
        );
        assert_eq!(
            with("relationship", json!({"relationship_type": "uses"}), |object| object.relationship()),
            None
        );
    }
}
