//! JSON laid out for people, from its text: a parser would lose the order of the properties and the digits of the numbers.

use certmesh_intel::display::safe;

/// The spaces of one level of nesting.
const INDENT: &str = "  ";

/// JSON text laid out for reading: the properties in their order, the numbers as they are written, all escaped that could
/// move a cursor or reorder what is read.
pub(crate) fn laid_out(json: &str) -> String {
    let mut shown = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut rest = json.trim();
    while let Some(first) = rest.chars().next() {
        let len = token_len(rest, first);
        let (token, after) = rest.split_at(len);
        rest = after.trim_start();
        let closed_at_once = rest.starts_with([']', '}']);
        match first {
            '{' | '[' if !closed_at_once => {
                depth += 1;
                shown.push_str(token);
                new_line(&mut shown, depth);
            }
            ',' => {
                shown.push(',');
                new_line(&mut shown, depth);
            }
            ':' => shown.push_str(": "),
            '}' | ']' => {
                if !shown.ends_with(['{', '[']) {
                    depth = depth.saturating_sub(1);
                    new_line(&mut shown, depth);
                }
                shown.push_str(token);
            }
            _ => shown.push_str(&safe(token, usize::MAX)),
        }
    }
    shown
}

fn new_line(shown: &mut String, depth: usize) {
    shown.push('\n');
    (0..depth).for_each(|_| shown.push_str(INDENT));
}

/// The bytes of the token at the beginning of `text`: a string, a mark, or a number or word.
fn token_len(text: &str, first: char) -> usize {
    match first {
        '"' => string_len(text),
        '{' | '}' | '[' | ']' | ',' | ':' => 1,
        _ => {
            let ends = |c: char| c.is_whitespace() || "{}[],:\"".contains(c);
            text.find(ends).unwrap_or(text.len()).max(first.len_utf8())
        }
    }
}

fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::laid_out;

    #[test]
    fn lays_out_in_the_published_order() {
        for (json, shown) in [
            ("{}", "{}"),
            ("[ ]", "[]"),
            (r#"{"b":1.0,"a":[]}"#, "{\n  \"b\": 1.0,\n  \"a\": []\n}"),
            (
                r#"{"a":["x, {y}",{"\"":null}]}"#,
                "{\n  \"a\": [\n    \"x, {y}\",\n    {\n      \"\\\"\": null\n    }\n  ]\n}",
            ),
            ("{\"a\":\"\u{202e}\u{9b}\"}", "{\n  \"a\": \"\\u{202e}\\u{9b}\"\n}"),
            (r#"{"a":{}}"#, "{\n  \"a\": {}\n}"),
        ] {
            assert_eq!(laid_out(json), shown);
        }
    }

    #[test]
    fn survives_what_is_no_json() {
        for text in ["\"", "{\"a", "é}", "]]]", "\\", "\u{85}x"] {
            laid_out(text);
        }
    }
}
