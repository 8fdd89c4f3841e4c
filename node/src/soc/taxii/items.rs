//! The text of a page, written while its objects are read: each is copied once from the store, and let go.

use bytes::Bytes;
use certmesh_engine::StoredObject;

/// What a page says of its objects.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// The name of the list.
    pub(super) name: &'static str,
    /// Writes what stands there of one object.
    pub(super) write: fn(&StoredObject<&str>, &mut Vec<u8>),
}

/// The head without its cursor is shorter than this, in bytes.
const HEAD: usize = 64;

/// A page being written: `{"more": …, "next": …, "<name>": […]}`.
pub(super) struct Items {
    kind: Kind,
    /// The items, behind room for the head, which is known last.
    text: Vec<u8>,
    room: usize,
    pub(super) count: usize,
    /// Which objects they are.
    pub(super) arrivals: Vec<u64>,
}

impl Items {
    /// None yet; the cursor will not be longer than this.
    pub(super) fn new(kind: Kind, cursor_len: usize) -> Self {
        let room = HEAD + cursor_len;
        Self { kind, text: vec![b' '; room], room, count: 0, arrivals: Vec::new() }
    }

    pub(super) fn add(&mut self, object: &StoredObject<&str>) {
        if self.count > 0 {
            self.text.push(b',');
        }
        (self.kind.write)(object, &mut self.text);
        self.count += 1;
        self.arrivals.push(object.arrival);
    }

    /// Bytes of the items so far.
    pub(super) fn len(&self) -> usize {
        self.text.len() - self.room
    }

    /// The whole text. A cursor is plain ASCII without quotes.
    pub(super) fn end(mut self, more: bool, next: Option<&str>) -> Bytes {
        let next = next.map(|next| format!(r#""next":"{next}","#)).unwrap_or_default();
        let head = format!(r#"{{"more":{more},{next}"{}":["#, self.kind.name);
        self.text.extend_from_slice(b"]}");
        let begin = self.room - head.len();
        self.text[begin..self.room].copy_from_slice(head.as_bytes());
        Bytes::from(self.text).slice(begin..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_one_json_text() {
        let kind =
            Kind { name: "versions", write: |object, text| text.extend_from_slice(object.json.as_bytes()) };
        let text = |count: usize, more: bool, next: Option<&str>| {
            let mut items = Items::new(kind, next.map_or(0, str::len));
            items.text.extend((0..count).flat_map(|at| if at > 0 { &b",1"[..] } else { b"1" }));
            String::from_utf8(items.end(more, next).to_vec()).unwrap()
        };
        assert_eq!(text(0, false, None), r#"{"more":false,"versions":[]}"#);
        let far = "9".repeat(500);
        assert_eq!(text(2, true, Some(&far)), format!(r#"{{"more":true,"next":"{far}","versions":[1,1]}}"#));
    }
}
