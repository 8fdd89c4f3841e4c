//! The help texts, as they are read.

use crate::desk::Desk;

#[test]
fn help_of_every_command() {
    for command in [
        "",
        "key",
        "key new",
        "key show",
        "roster",
        "roster new",
        "roster show",
        "roster sign",
        "manifest",
        "manifest new",
        "manifest show",
        "verify",
        "publish",
        "query",
        "show",
        "watch",
        "status",
        "peers",
        "export",
    ] {
        let help = Desk::new().ok(&format!("{command} --help"));
        let name = format!("help {command}").trim_end().replace(' ', "-");
        insta::assert_snapshot!(name, help);
        let has_example = help.contains("Example") || help.contains("Commands:");
        assert!(has_example, "certmesh {command} --help has no example");
    }
}
