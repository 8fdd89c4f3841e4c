//! Paths of files and of registry keys, on Windows without a difference between cases.

/// The hives of the registry, by their short names.
const HIVES: [(&str, &str); 5] = [
    ("hklm", "HKEY_LOCAL_MACHINE"),
    ("hkcu", "HKEY_CURRENT_USER"),
    ("hkcr", "HKEY_CLASSES_ROOT"),
    ("hku", "HKEY_USERS"),
    ("hkcc", "HKEY_CURRENT_CONFIG"),
];

/// The normal form of a path of Windows: lower case, each backslash once (patterns often carry them doubled), none at the
/// end. Paths of other systems tell cases apart, and stay as they are.
pub(crate) fn windows(text: &str) -> Option<String> {
    with_single_backslashes(text).map(|path| path.to_lowercase())
}

/// Whether a text is a path of Windows.
pub(crate) fn is_windows(text: &str) -> bool {
    with_single_backslashes(text).is_some()
}

/// A path of Windows with each backslash once. Where nothing follows the drive or the variable, it is none.
fn with_single_backslashes(text: &str) -> Option<String> {
    begins_as_windows(text).then(|| single_backslashes(text)).filter(|path| begins_as_windows(path))
}

/// Whether a text begins as paths of Windows do: `C:\`, `\\server`, `%TEMP%\`.
fn begins_as_windows(text: &str) -> bool {
    let drive = |rest: &str| rest.starts_with(":\\") && text.starts_with(|c: char| c.is_ascii_alphabetic());
    let variable = || text.strip_prefix('%')?.split_once('%').map(|(_, rest)| rest.starts_with('\\'));
    text.starts_with("\\\\") || text.get(1..).is_some_and(drive) || variable() == Some(true)
}

/// A path in its own case, on Windows with each backslash once.
pub(crate) fn written(text: &str) -> String {
    with_single_backslashes(text).unwrap_or_else(|| text.to_owned())
}

/// The normal form of a registry key: its hive in full, lower case, each backslash once.
pub(crate) fn registry_key(text: &str) -> Option<String> {
    expanded(text).map(|key| key.to_lowercase())
}

/// A registry key with its hive in full and each backslash once, in its own case.
pub(crate) fn expanded(text: &str) -> Option<String> {
    // Every hive begins alike, and most texts do not.
    let begins =
        text.trim_start_matches('\\').strip_prefix("Computer\\").unwrap_or(text).trim_start_matches('\\');
    if !begins.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("hk")) {
        return None;
    }
    let key = single_backslashes(text);
    let key = key.strip_prefix("Computer\\").unwrap_or(&key).trim_start_matches('\\');
    let (hive, rest) = key.split_once('\\').map_or((key, None), |(hive, rest)| (hive, Some(rest)));
    let hive = hive.strip_suffix(':').unwrap_or(hive);
    let (_, full) = HIVES
        .iter()
        .find(|(short, full)| hive.eq_ignore_ascii_case(short) || hive.eq_ignore_ascii_case(full))?;
    Some(rest.map_or((*full).to_owned(), |rest| format!("{full}\\{rest}")))
}

/// Each backslash once (two at the beginning, before a server's name), and none at the end.
fn single_backslashes(text: &str) -> String {
    let parts: Vec<_> = text.split('\\').filter(|part| !part.is_empty()).collect();
    let start = if text.starts_with("\\\\") { "\\\\" } else { "" };
    let joined = format!("{start}{}", parts.join("\\"));
    joined.trim_end_matches(|c: char| c == '\\' || c.is_whitespace()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::{expanded, registry_key, windows};

    #[test]
    fn forms_are_exact() {
        for (path, normal) in [
            (r"C:\\Windows\Temp\Evil.EXE", r"c:\windows\temp\evil.exe"),
            (r"c:\windows", r"c:\windows"),
            (r"\\Server\Share\x", r"\\server\share\x"),
            (r"%TEMP%\Evil.exe", r"%temp%\evil.exe"),
        ] {
            assert_eq!(windows(path).as_deref(), Some(normal), "{path}");
            assert_eq!(windows(normal).as_deref(), Some(normal), "{path}");
        }
        for path in [
            "/usr/bin/x",
            "evil.exe",
            "C:",
            r"C:\",
            r"C:\\ ",
            "%41",
            r"%L%\",
            r"%TEMP%\\",
            r"\\",
            "x",
            "é:\\",
            "",
        ] {
            assert_eq!(windows(path), None, "{path}");
        }
    }

    #[test]
    fn hives_are_written_in_full() {
        for key in [
            r"HKLM\Software\Evil",
            r"hklm\software\\evil\",
            r"HKEY_LOCAL_MACHINE\SOFTWARE\Evil",
            r"HKLM:\Software\Evil",
            r"Computer\HKEY_LOCAL_MACHINE\Software\Evil",
        ] {
            assert_eq!(registry_key(key).as_deref(), Some(r"hkey_local_machine\software\evil"), "{key}");
        }
        assert_eq!(expanded(r"hkcu\Software\Evil").as_deref(), Some(r"HKEY_CURRENT_USER\Software\Evil"));
        assert_eq!(registry_key("HKU").as_deref(), Some("hkey_users"));
        assert_eq!(registry_key(r"HKXX\Software"), None);
    }
}
