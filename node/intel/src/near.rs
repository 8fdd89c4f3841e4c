//! Which word somebody meant who mistyped it.

/// The longest word that is looked at, in bytes.
const MAX_WORD: usize = 64;

/// The word among these that begins like what was typed, or else differs from it in a letter of four at most.
#[must_use]
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if typed.len() > MAX_WORD {
        return None;
    }
    let typed = typed.to_ascii_lowercase();
    let most = (typed.len() / 4).max(1);
    // Lower comes first: what begins so, then fewer letters that differ, then the alphabet.
    let how_far = |word: &'a str| {
        let begins = typed.len() > 2 && word.starts_with(&typed);
        let distance = if begins { 0 } else { strsim::osa_distance(word, &typed) };
        (begins || distance <= most && distance < typed.len()).then_some((distance, word))
    };
    words.into_iter().filter_map(how_far).min().map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_and_beginnings_are_recognised_and_nothing_else() {
        let words = ["domain-name", "ipv4-addr", "ipv6-addr", "email-addr", "note", "url"];
        let near = |typed: &str| nearest(typed, words);
        assert_eq!(near("domain"), Some("domain-name"));
        assert_eq!(near("Domain-Nmae"), Some("domain-name"));
        assert_eq!(near("ipv4"), Some("ipv4-addr"));
        assert_eq!(near("ipv"), Some("ipv4-addr"));
        assert_eq!(near("urls"), Some("url"));
        for none in ["", "x", "host", "ip", "what-is-this", &"x".repeat(10_000)] {
            assert_eq!(near(none), None, "{none}");
        }
    }
}
