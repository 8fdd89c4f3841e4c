//! The README tells the truth: each script that it names exists, and each command that it shows is
//! one that the built programs know, flags included.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::none;
use crate::tree::top;

const PROGRAMS: [&str; 2] = ["certmesh", "certmesh-node"];

/// The commands in a document's fenced blocks, as words; a `\` joins lines, comments are left out.
fn commands(markdown: &str) -> Vec<Vec<String>> {
    let mut fenced = false;
    let mut code = String::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            code.push_str(line.trim_start().trim_start_matches("$ "));
            code.push('\n');
        }
    }
    code.replace("\\\n", " ").lines().flat_map(split_pipes).collect()
}

/// A line's commands: what stands between pipes, `&&` and `;`, without redirections and settings.
fn split_pipes(line: &str) -> Vec<Vec<String>> {
    let words = shell_words(line);
    let parts = words.split(|word| matches!(word.as_str(), "|" | "&&" | "||" | ";" | "&"));
    let command = |part: &[String]| -> Vec<String> {
        let is_setting = |word: &&String| {
            word.split('=').next().is_some_and(|name| {
                word.contains('=') && name.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            })
        };
        let words = part.iter().skip_while(is_setting);
        words.take_while(|word| !matches!(word.as_str(), ">" | ">>" | "<" | "2>")).cloned().collect()
    };
    parts.map(command).filter(|words| !words.is_empty()).collect()
}

/// Words as a shell would see them: quotes hold spaces together, `#` starts a comment.
fn shell_words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut inside, mut quote) = (false, None);
    for c in line.chars() {
        match (quote, c) {
            (None, '#') if !inside => break,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None, ' ' | '\t') => inside = false,
            _ if inside => words.last_mut().unwrap().push(c),
            _ => {
                words.push(c.to_string());
                inside = true;
            }
        }
    }
    words
}

/// Scripts that are shown and absent.
fn missing_scripts(commands: &[Vec<String>]) -> Vec<String> {
    let words = commands.iter().filter_map(|words| words.first());
    let scripts = words.map(|word| word.trim_start_matches("./")).filter(|word| word.starts_with("scripts/"));
    let missing = scripts.filter(|script| !top().join(script).is_file());
    missing.map(|script| format!("README.md shows {script}, which does not exist")).collect()
}

/// Commands, and flags of commands, that the programs do not know. Values are not looked at: a README
/// may write `PUBLICKEY` where a key goes.
fn unknown_commands(commands: &[Vec<String>]) -> Vec<String> {
    let complaint = |words: &Vec<String>| {
        let (program, arguments) = words.split_first()?;
        let program = Path::new(program).file_name()?.to_str()?;
        PROGRAMS.contains(&program).then(|| complaint(program, arguments))?
    };
    let say = |words: &Vec<String>| {
        complaint(words).map(|what| format!("README.md shows `{}`: {what}", words.join(" ")))
    };
    commands.iter().filter_map(say).collect()
}

/// What is wrong with a command, by what the program's own `--help` says of it.
fn complaint(program: &str, arguments: &[String]) -> Option<String> {
    let done = Command::new(built(program)).args(subcommand(arguments)).arg("--help").output().unwrap();
    if !done.status.success() {
        return Some(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    let help = String::from_utf8_lossy(&done.stdout);
    let known: Vec<&str> = help.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
    let flags = arguments.iter().filter(|word| word.starts_with('-') && word.len() > 1);
    let mut names = flags.map(|flag| flag.split('=').next().unwrap_or_default());
    names.find(|name| !known.contains(name)).map(|name| format!("its --help knows no {name}"))
}

/// The words that name the command: what stands before its flags and files, after those for all.
fn subcommand(arguments: &[String]) -> impl Iterator<Item = &String> {
    let skipped = match arguments.first().map(String::as_str) {
        Some("--node") => 2,
        Some(flag) if flag.starts_with("--") => 1,
        _ => 0,
    };
    let is_name = |word: &&String| word.chars().all(|c| c.is_ascii_lowercase());
    arguments.iter().skip(skipped).take_while(is_name).take(2)
}

/// A program of the workspace. This test runs from `deps/`, beside which cargo puts them.
fn built(program: &str) -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    let path = deps.parent().and_then(Path::parent).unwrap().join(program);
    assert!(path.is_file(), "{program} isn't built: run `cargo build --workspace` first");
    path
}

fn readme() -> Vec<Vec<String>> {
    let text = fs::read_to_string(top().join("README.md")).expect("README.md is the front door");
    commands(&text)
}

#[test]
fn every_script_exists() {
    let commands = readme();
    for script in ["scripts/demo", "scripts/test"] {
        assert!(commands.iter().any(|words| words[0] == script), "README.md does not show {script}");
    }
    none(missing_scripts(&commands));
}

#[test]
fn every_command_is_known() {
    none(unknown_commands(&readme()));
}

#[test]
fn commands_are_read_as_a_shell_would() {
    let text = "`certmesh no`\n```sh\n$ A=b certmesh key \\\n  new 'my key' # why\nscripts/demo | cat > x\n```\ncertmesh no\n";
    let found = commands(text);
    let words: Vec<String> = found.iter().map(|words| words.join("_")).collect();
    assert_eq!(words, ["certmesh_key_new_my key", "scripts/demo", "cat"]);
}

#[test]
fn an_untrue_readme_is_found() {
    let shown = |line: &str| commands(&format!("```\n{line}\n```"));
    assert_eq!(missing_scripts(&shown("scripts/fly")).len(), 1);
    assert_eq!(missing_scripts(&shown("scripts/demo --keep")).len(), 0);
    for untrue in ["certmesh fly", "certmesh key fly", "certmesh status --fly", "./certmesh --node x fly"] {
        assert_eq!(unknown_commands(&shown(untrue)).len(), 1, "{untrue}");
    }
    for true_enough in [
        "certmesh --node sg/node.sock status --json",
        "certmesh roster new roster.cbor --name drill --member SG=PUBLICKEY:SingCERT",
        "certmesh-node --config sg/node.toml",
        "echo certmesh fly",
    ] {
        assert!(unknown_commands(&shown(true_enough)).is_empty(), "{true_enough}");
    }
}
