//! STIX patterns by the grammar of STIX 2.1, now and then with something odd that the grammar may or may not allow.

use fastrand::Rng;

/// Types of objects, usual and odd.
const TYPES: [&str; 10] =
    ["file", "domain-name", "ipv4-addr", "network-traffic", "x_a", "_", "A-", "IN-x", "t", "a1-2"];
const NAMES: [&str; 14] = [
    "value",
    "name",
    "size",
    "hashes",
    "dst_ref",
    "resolves_to_refs",
    "x_1",
    "_",
    "h",
    "'SHA-256'",
    "'a b'",
    "''",
    "'it\\'s'",
    "'\\\\'",
];
const HASHES: [&str; 16] = [
    "MD5",
    "md5",
    "MD6",
    "'SHA-1'",
    "'SHA-256'",
    "sha256",
    "'sha-512'",
    "SSDEEP",
    "'SHA3-256'",
    "TLSH",
    "'RIPEMD-160'",
    "WHIRLPOOL",
    "'M-D-5'",
    "'\u{17f}ha1'",
    "'RIPEMD-\\'160'",
    "hashes",
];
const STRINGS: [&str; 12] = [
    "'x'",
    "''",
    "'evil.example'",
    "'203.0.113.7/32'",
    "'it\\'s'",
    "'C:\\\\Windows'",
    "'a\\\\'",
    "'[a:b = 1]'",
    "'/* x */ // y'",
    "'ខ្មែរ \u{1f600}'",
    "'line\nbreak\t'",
    "'\u{202e}\u{0}'",
];
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "5",
    "+7",
    "-3",
    "-0",
    "123456789012345678901234567890",
    "0.5",
    ".5",
    "-.25",
    "+1.0",
    "00.5",
    "7.0",
    "-0.0",
];
const TYPED: [&str; 10] = [
    "h''",
    "h'ff00'",
    "h'AbCd'",
    "b'eA=='",
    "b'eHh4'",
    "b'abcdeHg='",
    "t'2024-02-30T23:59:60Z'",
    "t'0000-01-01T00:00:00.1Z'",
    "t'2016-06-01T01:30:00.123456789Z'",
    "t'9999-12-31T19:05:09Z'",
];
/// Literals that are wrong in one way each.
const BROKEN: [&str; 34] = [
    "'a\\b'",
    "'\\",
    "'open",
    "\"x\"",
    "007",
    "1.",
    "1.2.3",
    "1e5",
    "0x10",
    "--1",
    "+-1",
    "+",
    "h'f'",
    "h'fg'",
    "H'ff'",
    "b''",
    "b'eA='",
    "b'e==='",
    "b'eA==eA=='",
    "b'e_-='",
    "t'2024-13-01T00:00:00Z'",
    "t'2024-00-01T00:00:00Z'",
    "t'2024-01-32T00:00:00Z'",
    "t'2024-01-01T24:00:00Z'",
    "t'2024-01-01T00:60:00Z'",
    "t'2024-01-01T00:00:61Z'",
    "t'2024-01-01T00:00:00.Z'",
    "t'2024-01-01T00:00:00'",
    "t'2024-01-01t00:00:00z'",
    "t '2024-01-01T00:00:00Z'",
    "True",
    "FALSE",
    "null",
    "x",
];
const SPACES: [&str; 10] =
    [" ", "  ", "\n", "\t", "\u{a0}", "\u{2003}", "\u{85}", "/* c */", "// c\n", "/***/"];

/// A pattern, as the pieces that it is written with.
#[derive(Debug)]
pub struct Pieces<'r> {
    chance: &'r mut Rng,
    pieces: Vec<String>,
    /// Out of how many choices one is odd.
    odd: u32,
}

/// The pieces of a pattern; out of `odd` choices, about one is something odd.
pub fn pattern(chance: &mut Rng, odd: u32) -> Vec<String> {
    let mut pattern = Pieces { chance, pieces: Vec::new(), odd };
    pattern.observations(3);
    pattern.pieces
}

/// The pieces as one text, with spaces and comments between them as chance has it.
pub fn written(chance: &mut Rng, pieces: &[String]) -> String {
    let mut text = String::new();
    for (place, piece) in pieces.iter().enumerate() {
        let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || "_-'.".contains(c));
        let apart = word(text.chars().next_back()) && word(piece.chars().next());
        match chance.u32(0..200) {
            0 => text.push_str(SPACES[chance.usize(..SPACES.len())]),
            1..60 if place > 0 => text.push(' '),
            _ if apart && piece != "." && !text.ends_with('.') => text.push(' '),
            _ => {}
        }
        text.push_str(piece);
    }
    text
}

impl Pieces<'_> {
    fn push(&mut self, piece: impl Into<String>) {
        self.pieces.push(piece.into());
    }

    fn one_of(&mut self, texts: &[&str]) {
        let text = texts[self.chance.usize(..texts.len())];
        self.push(text);
    }

    /// True once in `times`.
    fn once_in(&mut self, times: u32) -> bool {
        self.chance.u32(..times) == 0
    }

    fn is_odd(&mut self) -> bool {
        self.odd > 0 && self.once_in(self.odd)
    }

    fn observations(&mut self, depth: u32) {
        self.observation(depth);
        while self.once_in(4) {
            match self.is_odd() {
                true => self.one_of(&["and", "followedby", "NOT", ",", "", "LAST"]),
                false => self.one_of(&["AND", "OR", "FOLLOWEDBY"]),
            }
            self.observation(depth);
        }
    }

    fn observation(&mut self, depth: u32) {
        if depth > 0 && self.once_in(4) {
            self.push("(");
            self.observations(depth - 1);
            self.push(")");
        } else {
            self.push("[");
            self.comparisons(3);
            self.push("]");
        }
        while self.once_in(6) {
            self.qualifier();
        }
    }

    fn qualifier(&mut self) {
        match self.chance.u32(..3) {
            0 => {
                self.push("WITHIN");
                self.count(&["5", "0", "+5", "1.5", ".5"], &["-5", "05", "'5'", "five"]);
                self.word("SECONDS", "seconds");
            }
            1 => {
                self.push("REPEATS");
                self.count(&["5", "0", "+1"], &["-5", "1.5", "00"]);
                self.word("TIMES", "TIME");
            }
            _ => {
                self.push("START");
                self.count(&TYPED[6..], &BROKEN[20..30]);
                self.word("STOP", "stop");
                self.count(&TYPED[6..], &["'2024-01-01T00:00:00Z'", "5", "h'ff'"]);
            }
        }
    }

    fn count(&mut self, sound: &[&str], odd: &[&str]) {
        if self.is_odd() { self.one_of(odd) } else { self.one_of(sound) }
    }

    fn word(&mut self, sound: &str, odd: &str) {
        let word = if self.is_odd() { odd } else { sound };
        self.push(word);
    }

    fn comparisons(&mut self, depth: u32) {
        self.comparison(depth);
        while self.once_in(4) {
            if self.is_odd() {
                self.one_of(&["and", "Or", "FOLLOWEDBY", ",", "", "&&"]);
            } else {
                self.one_of(&["AND", "OR"]);
            }
            self.comparison(depth);
        }
    }

    fn comparison(&mut self, depth: u32) {
        if depth > 0 && self.once_in(6) {
            self.push("(");
            self.comparisons(depth - 1);
            self.push(")");
            return;
        }
        if self.once_in(12) {
            if self.once_in(3) {
                self.push("NOT");
            }
            self.word("EXISTS", "NOT");
            return self.path();
        }
        self.path();
        if self.once_in(6) {
            self.word("NOT", "not");
        }
        match self.chance.u32(..10) {
            0..4 => {
                self.one_of(&["=", "==", "!=", "<>", "="]);
                self.literal(true);
            }
            4 | 5 => {
                self.one_of(&["<", "<=", ">", ">="]);
                let bool = self.is_odd();
                self.literal(bool);
            }
            6 | 7 => {
                self.word("IN", "in");
                self.list();
            }
            _ => {
                self.one_of(&["LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET"]);
                if self.is_odd() { self.literal(true) } else { self.one_of(&STRINGS) }
            }
        }
    }

    fn path(&mut self) {
        if self.is_odd() {
            self.one_of(&["IN", "'file'", "1a", "", "file.name", "true", "a b"]);
        } else {
            self.one_of(&TYPES);
        }
        self.word(":", "");
        self.name();
        while self.once_in(3) {
            if self.once_in(4) {
                self.push("[");
                self.count(&["*", "0", "12", "+3"], &["-1", "-0", "01", "1.5", "x", "", "'0'"]);
                self.push("]");
            } else {
                self.push(".");
                self.name();
            }
        }
        if self.once_in(6) {
            self.push(".");
            self.push("hashes");
            self.push(".");
            self.one_of(&HASHES);
        }
    }

    fn name(&mut self) {
        if self.is_odd() {
            self.one_of(&["SHA-256", "NOT", "LAST", "true", "1a", "", "'a\\b'", "\"a\"", "*"]);
        } else {
            self.one_of(&NAMES);
        }
    }

    fn list(&mut self) {
        self.word("(", "[");
        let count = self.chance.u32(..4);
        for place in 0..count {
            if place > 0 {
                self.word(",", "");
            }
            self.literal(true);
        }
        if self.is_odd() {
            self.push(",");
        }
        self.push(")");
    }

    fn literal(&mut self, bool: bool) {
        if self.is_odd() {
            return self.one_of(&BROKEN);
        }
        match self.chance.u32(..12) {
            0..3 => self.one_of(&STRINGS),
            3 | 4 => self.one_of(&NUMBERS),
            5 => self.one_of(&TYPED),
            6 if bool => self.one_of(&["true", "false"]),
            7 => self.hash(&[32, 40, 56, 64, 96, 128], "0123456789abcdefABCDEF"),
            8 => self.hash(&[1, 31, 33, 127, 129], "0123456789abcdefgXYZ/+:.,"),
            _ => self.one_of(&["'a'", "'b.example'", "5"]),
        }
    }

    fn hash(&mut self, lengths: &[usize], letters: &str) {
        let length = lengths[self.chance.usize(..lengths.len())];
        let letters = letters.as_bytes();
        let text: String =
            (0..length).map(|_| char::from(letters[self.chance.usize(..letters.len())])).collect();
        self.push(format!("'{text}'"));
    }
}
