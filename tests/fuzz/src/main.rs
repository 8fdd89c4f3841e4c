//! One target under libFuzzer, which finds inputs by the coverage that they reach. `scripts/fuzz` builds this with
//! `--cfg fuzzing` and names the target in `CERTMESH_FUZZ_TARGET`; any other build runs a target on files.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    use std::sync::LazyLock;

    use certmesh_fuzz::targets::{self, Target};

    static TARGET: LazyLock<Target> = LazyLock::new(|| {
        let name = std::env::var("CERTMESH_FUZZ_TARGET").unwrap_or_default();
        targets::named(&name).unwrap_or_else(|| panic!("CERTMESH_FUZZ_TARGET={name} is no target"))
    });
    TARGET(bytes);
});

/// Runs a target on files, such as one that libFuzzer has written.
#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    use std::process::ExitCode;

    use certmesh_fuzz::targets;

    let mut arguments = std::env::args_os().skip(1);
    let name = arguments.next().unwrap_or_default();
    let Some(target) = targets::named(&name.to_string_lossy()) else {
        complain(&format!("usage: certmesh-fuzz TARGET FILE…, TARGET being one of {}", targets::names()));
        return ExitCode::from(2);
    };
    for file in arguments {
        match std::fs::read(&file) {
            Ok(bytes) => target(&bytes),
            Err(error) => {
                complain(&format!("{}: {error}", file.display()));
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::SUCCESS
}

#[cfg(not(fuzzing))]
fn complain(what: &str) {
    use std::io::Write;

    let _ = writeln!(std::io::stderr(), "{what}");
}
