//! Breaks what was made by grammar.

use fastrand::Rng;

/// Characters that mean something to a reader of patterns or of JSON, or that readers disagree about.
const CHARACTERS: [char; 38] = [
    '[',
    ']',
    '(',
    ')',
    '\'',
    '"',
    '\\',
    ':',
    '.',
    ',',
    '=',
    '!',
    '<',
    '>',
    '*',
    '/',
    '+',
    '-',
    '{',
    '}',
    't',
    'h',
    'b',
    'A',
    '_',
    '0',
    '9',
    ' ',
    '\n',
    '\r',
    '\0',
    '\u{7f}',
    '\u{85}',
    '\u{a0}',
    '\u{200b}',
    '\u{2028}',
    'é',
    '\u{1f600}',
];

/// Takes a piece away, doubles it, moves it, or puts another one's copy in its place; `times` times.
pub fn rearrange(chance: &mut Rng, pieces: &mut Vec<String>, times: usize) {
    for _ in 0..times {
        if pieces.is_empty() {
            return;
        }
        let (one, other) = (chance.usize(..pieces.len()), chance.usize(..pieces.len()));
        match chance.u32(..4) {
            0 => drop(pieces.remove(one)),
            1 => pieces.insert(other, pieces[one].clone()),
            2 => pieces.swap(one, other),
            _ => pieces[one] = pieces[other].clone(),
        }
    }
}

/// Changes single characters of `text`, cuts it off or repeats a part of it; `times` times.
pub fn scribble(chance: &mut Rng, text: &str, times: usize) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..times {
        let length = characters.len();
        let (one, other) = (chance.usize(..=length), chance.usize(..=length));
        let (start, end) = (one.min(other), one.max(other));
        let new = CHARACTERS[chance.usize(..CHARACTERS.len())];
        match chance.u32(..16) {
            0..6 => characters.insert(one, new),
            6..10 if one < length => characters[one] = new,
            10..14 if one < length => drop(characters.remove(one)),
            14 if end - start < 40 => {
                let part = characters[start..end].to_vec();
                characters.splice(other..other, part);
            }
            _ if end - start < 40 => drop(characters.drain(start..end)),
            _ => characters.truncate(end),
        }
    }
    characters.into_iter().collect()
}
