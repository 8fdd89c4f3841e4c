//! What `next` says: the arrival at which a page ended, and the filters that it was asked with, so that it stands
//! alone. Some clients send nothing else with it. It holds no state of the node, and stays valid for ever.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Where a walk through a collection has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The last arrival that was passed.
    pub(super) after: u64,
    /// The pairs of the query that choose objects.
    pub(super) filters: Vec<(String, String)>,
}

impl Cursor {
    pub(super) fn text(&self) -> String {
        if self.filters.is_empty() {
            return self.after.to_string();
        }
        let filters = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.filters).finish();
        format!("{}.{}", self.after, URL_SAFE_NO_PAD.encode(filters))
    }

    /// Nothing, if it is no cursor of this kind.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (after, filters) = match text.split_once('.') {
            Some((after, filters)) => (after, URL_SAFE_NO_PAD.decode(filters).ok()?),
            None => (text, Vec::new()),
        };
        let is_plain = !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit());
        let after = is_plain.then(|| after.parse().ok())??;
        Some(Self { after, filters: form_urlencoded::parse(&filters).into_owned().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_alone() {
        let pairs = [("match[type]", "indicator,malware"), ("match[id]", "a--é&=%")];
        let filters = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        for cursor in [Cursor { after: 1_764_208_800_123, filters: Vec::new() }, Cursor { after: 0, filters }]
        {
            let text = cursor.text();
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{text}");
            assert_eq!(Cursor::read(&text), Some(cursor));
        }
        for wrong in ["", "x", "-1", "+1", "1.?", ".", "99999999999999999999"] {
            assert_eq!(Cursor::read(wrong), None, "{wrong}");
        }
    }
}
