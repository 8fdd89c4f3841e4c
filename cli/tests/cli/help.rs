//! The help texts, as they are read.

use crate::desk::Desk;

#[test]
fn help_of_every_command() {
    for command in [
        "",
        "key",
        "init",
        "key new",
        "key encrypt",
        "key show",
        "roster",
        "roster new",
        "roster edit",
        "roster propose",
        "roster diff",
        "roster sign",
        "roster merge",
        "roster show",
        "roster submit",
        "manifest",
        "manifest new",
        "manifest next",
        "manifest show",
        "manifest submit",
        "node",
        "node request",
        "token",
        "token create",
        "token list",
        "token revoke",
        "verify",
        "publish",
        "revoke",
        "check",
        "query",
        "why",
        "feed",
        "show",
        "watch",
        "status",
        "peers",
        "export",
        "reindex",
    ] {
        let help = Desk::new().ok(&format!("{command} --help"));
        let name = format!("help {command}").trim_end().replace(' ', "-");
        insta::assert_snapshot!(name, help);
        let has_example = help.contains("Example") || help.contains("Commands:");
        assert!(has_example, "certmesh {command} --help has no example");
    }
}
