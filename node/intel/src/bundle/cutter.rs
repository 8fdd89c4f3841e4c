//! Cuts a bundle while it comes in, so that a file of any length costs no more memory than its longest object.
//!
//! A short input is kept whole and read by [`super::read`]; only a longer one, which can be nothing but a bundle, is cut as
//! it comes. Of that one only the outline is followed: braces, brackets and strings. Whether an object is JSON is for
//! whoever reads it.

use super::{BundleFault, MAX_OBJECTS, read, unreadable};
use crate::display::safe;
use crate::json;

/// What [`Cutter::cut`] has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// The exact text of the next object.
    Object(String),
    /// Nothing before more input, or its end.
    More,
    /// Nothing any more.
    End,
}

/// A text that comes in pieces, and its objects that go out.
#[derive(Debug)]
pub struct Cutter {
    /// The longest object, and the longest input that is kept whole.
    longest: usize,
    /// What has come in and is not used up.
    input: Vec<u8>,
    /// How many bytes of it are used up, and how many of the rest have been looked at.
    begin: usize,
    seen: usize,
    /// How many bytes have been dropped before it.
    dropped: u64,
    ended: bool,
    outline: Outline,
    expected: Expected,
    objects: usize,
    /// The envelope's properties so far.
    is_bundle: bool,
    has_type: bool,
    has_objects: bool,
    /// The objects of an input that was kept whole, the next one last.
    whole: Option<Vec<String>>,
}

/// What comes next in the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expected {
    Begin,
    /// A property's name, or `}` if that may be.
    Name(bool),
    Colon(String),
    Value(String),
    /// `,` or `}`
    NextProperty,
    /// An object, or `]` if that may be.
    Object(bool),
    /// `,` or `]`
    NextObject,
    /// Nothing but space.
    End,
}

/// How far a JSON value has been followed.
#[derive(Debug, Default)]
struct Outline {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Outline {
    /// Whether `byte` is the last of the value.
    fn ends(&mut self, byte: u8) -> bool {
        if self.in_string {
            match (self.escaped, byte) {
                (true, _) => self.escaped = false,
                (false, b'\\') => self.escaped = true,
                (false, b'"') => self.in_string = false,
                _ => {}
            }
        } else {
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => return false,
            }
        }
        !self.in_string && self.depth == 0
    }
}

impl Cutter {
    /// Of an input whose objects have at most `longest` bytes each.
    #[must_use]
    pub fn new(longest: usize) -> Self {
        Self {
            longest,
            input: Vec::new(),
            begin: 0,
            seen: 0,
            dropped: 0,
            ended: false,
            outline: Outline::default(),
            expected: Expected::Begin,
            objects: 0,
            is_bundle: false,
            has_type: false,
            has_objects: false,
            whole: None,
        }
    }

    /// More input; call it with pieces that are small beside `longest`, once [`Self::cut`] has said [`Cut::More`].
    pub fn push(&mut self, piece: &[u8]) {
        self.input.drain(..self.begin);
        self.dropped += self.begin as u64;
        self.begin = 0;
        self.input.extend_from_slice(piece);
    }

    /// There is no more input.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next object.
    ///
    /// # Errors
    /// What is wrong with the whole; the objects themselves are not looked at.
    pub fn cut(&mut self) -> Result<Cut, BundleFault> {
        if let Some(whole) = &mut self.whole {
            return Ok(whole.pop().map_or(Cut::End, Cut::Object));
        }
        if self.expected == Expected::Begin && self.input.len() <= self.longest {
            return if self.ended { self.read_whole() } else { Ok(Cut::More) };
        }
        while let Some(step) = self.step()? {
            if let Some(object) = step {
                return Ok(Cut::Object(object));
            }
        }
        match (self.ended, &self.expected) {
            (false, _) => Ok(Cut::More),
            (true, Expected::End) => self.finished(),
            (true, _) => Err(self.broken("the text ends too early")),
        }
    }

    fn read_whole(&mut self) -> Result<Cut, BundleFault> {
        let text = std::str::from_utf8(&self.input).map_err(|fault| self.not_text(fault.valid_up_to()))?;
        let mut objects: Vec<_> = read(text)?.into_iter().map(ToOwned::to_owned).collect();
        objects.reverse();
        self.input = Vec::new();
        self.whole.insert(objects).pop().map_or(Ok(Cut::End), |object| Ok(Cut::Object(object)))
    }

    fn finished(&self) -> Result<Cut, BundleFault> {
        match (self.has_type, self.is_bundle, self.objects) {
            (false, ..) => Err(BundleFault::NoType),
            (true, false, _) => Err(BundleFault::TooLong { position: 1, longest: self.longest }),
            (true, true, 0) => Err(BundleFault::Empty),
            _ => Ok(Cut::End),
        }
    }

    /// One step through the envelope, perhaps with an object; nothing if it takes more input.
    fn step(&mut self) -> Result<Option<Option<String>>, BundleFault> {
        if self.seen == 0 && !self.skip_space() {
            return Ok(None);
        }
        let byte = self.input[self.begin];
        let expected = std::mem::replace(&mut self.expected, Expected::End);
        self.expected = match (expected, byte) {
            (Expected::Begin, b'{') => self.sign(Expected::Name(true)),
            (Expected::Begin, b'[' | b'"') => return Err(BundleFault::NotAnObject),
            (Expected::Name(true), b'}') | (Expected::NextProperty, b'}') => self.sign(Expected::End),
            (Expected::Colon(name), b':') => self.sign(Expected::Value(name)),
            (Expected::NextProperty, b',') => self.sign(Expected::Name(false)),
            (Expected::Value(name), b'[') if name == "objects" => {
                if std::mem::replace(&mut self.has_objects, true) {
                    return Err(BundleFault::Twice("objects"));
                }
                self.sign(Expected::Object(true))
            }
            (Expected::Object(true), b']') | (Expected::NextObject, b']') => {
                self.sign(Expected::NextProperty)
            }
            (Expected::NextObject, b',') => self.sign(Expected::Object(false)),
            (expected @ (Expected::Name(_) | Expected::Value(_) | Expected::Object(_)), _) => {
                let Some(text) = self.value()? else {
                    self.expected = expected;
                    return Ok(None);
                };
                match expected {
                    Expected::Object(_) => {
                        if self.objects == MAX_OBJECTS {
                            return Err(BundleFault::TooMany);
                        }
                        self.objects += 1;
                        self.expected = Expected::NextObject;
                        return Ok(Some(Some(text)));
                    }
                    Expected::Value(name) => self.property(&name, &text)?,
                    _ => Expected::Colon(self.string(&text)?),
                }
            }
            (expected, _) => return Err(self.unexpected(&expected)),
        };
        Ok(Some(None))
    }

    /// Passes one sign of the envelope.
    fn sign(&mut self, next: Expected) -> Expected {
        self.begin += 1;
        next
    }

    /// Passes space; false if nothing follows it yet.
    fn skip_space(&mut self) -> bool {
        let bom = self.expected == Expected::Begin && self.input.starts_with("\u{feff}".as_bytes());
        self.begin += if bom && self.begin == 0 { 3 } else { 0 };
        let rest = &self.input[self.begin..];
        let space = rest.iter().position(|byte| !b" \t\r\n".contains(byte));
        self.begin += space.unwrap_or(rest.len());
        space.is_some()
    }

    /// The text of the value that begins here; nothing if it takes more input.
    fn value(&mut self) -> Result<Option<String>, BundleFault> {
        let mut end = None;
        while end.is_none() && self.begin + self.seen < self.input.len() {
            let byte = self.input[self.begin + self.seen];
            let beside = self.outline.depth == 0 && !self.outline.in_string && b",]}: \t\r\n".contains(&byte);
            if beside {
                end = Some(self.seen);
            } else {
                self.seen += 1;
                end = self.outline.ends(byte).then_some(self.seen);
            }
        }
        if self.seen > self.longest {
            return Err(BundleFault::TooLong { position: self.objects + 1, longest: self.longest });
        }
        let Some(length) = end else {
            return Ok(None);
        };
        if length == 0 {
            return Err(self.broken("a value is missing"));
        }
        let bytes = self.input[self.begin..self.begin + length].to_vec();
        let text =
            String::from_utf8(bytes).map_err(|fault| self.not_text(fault.utf8_error().valid_up_to()))?;
        (self.begin, self.seen, self.outline) = (self.begin + length, 0, Outline::default());
        Ok(Some(text))
    }

    fn property(&mut self, name: &str, text: &str) -> Result<Expected, BundleFault> {
        let read: Result<&serde_json::value::RawValue, _> = serde_json::from_str(text);
        read.map_err(unreadable)?;
        if name == "type" {
            if std::mem::replace(&mut self.has_type, true) {
                return Err(BundleFault::Twice("type"));
            }
            self.is_bundle = json::string(text).is_some_and(|kind| kind == "bundle");
        }
        Ok(Expected::NextProperty)
    }

    fn string(&self, text: &str) -> Result<String, BundleFault> {
        serde_json::from_str(text).map_err(|_| self.broken("a property's name must be a string"))
    }

    fn unexpected(&self, expected: &Expected) -> BundleFault {
        let what = match expected {
            Expected::Begin => return BundleFault::NotAnObject,
            Expected::Colon(_) => "expected : here",
            Expected::NextProperty => "expected , or } here",
            Expected::NextObject => "expected , or ] here",
            _ => "something stands behind the end",
        };
        self.broken(what)
    }

    fn broken(&self, what: &str) -> BundleFault {
        BundleFault::Json(format!(
            "byte {}: {}",
            self.dropped + (self.begin + self.seen) as u64 + 1,
            safe(what, 160)
        ))
    }

    fn not_text(&self, place: usize) -> BundleFault {
        BundleFault::NotText(self.dropped + (self.begin + place) as u64 + 1)
    }
}
