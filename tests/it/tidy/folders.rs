//! The lists that explain the tree: folders in the README, modules in their crate's doc, dependencies with a reason.

use std::collections::BTreeSet;

use anyhow::Context as _;

use super::page::{Page, comments};
use super::{is_ours, names, none, root, text};

/// The crates of the workspace, by their folders.
fn members() -> anyhow::Result<Vec<String>> {
    let workspace = text("Cargo.toml");
    let (_, list) = workspace.split_once("members = [").context("Cargo.toml has no members")?;
    let list = list.split(']').next().unwrap_or_default();
    Ok(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

/// The first cell of each row of a page's tables.
fn first_cells(page: &str) -> Vec<&str> {
    let rows = page.lines().filter_map(|line| line.strip_prefix('|'));
    rows.filter_map(|row| row.split('|').next()).map(str::trim).collect()
}

/// The code spans of a text.
fn spans(text: &str) -> Vec<String> {
    Page::read(text).spans.into_iter().map(|span| span.text).collect()
}

/// Folders that no row of the README names, and rows that name no folder.
fn wrong_folders(readme: &str, folders: &[String]) -> Vec<String> {
    let rows: Vec<String> = first_cells(readme)
        .into_iter()
        .filter_map(|cell| cell.strip_prefix('`')?.strip_suffix("/`").map(str::to_owned))
        .collect();
    let missing = folders.iter().filter(|folder| !rows.contains(folder));
    let missing = missing.map(|folder| format!("add a row for `{folder}/`"));
    let gone = rows.iter().filter(|row| !folders.contains(row)).map(|row| format!("`{row}/` is not there"));
    missing.chain(gone).collect()
}

#[test]
fn the_readme_names_every_folder() -> anyhow::Result<()> {
    let folders: Vec<String> =
        names("")?.into_iter().filter(|name| is_ours(name) && root().join(name).is_dir()).collect();
    let members = members()?;
    assert!(members.iter().all(|member| folders.contains(member)), "{members:?} are not all in {folders:?}");
    none(&wrong_folders(&text("README.md"), &folders), "README.md, \"Where things are\":");
    let (readme, folders) = ("| `one/` | it |\n| `two/` | it |", ["one", "three"].map(str::to_owned));
    assert_eq!(wrong_folders(readme, &folders), ["add a row for `three/`", "`two/` is not there"]);
    Ok(())
}

/// The modules that a crate's first file declares, those of its tests left out.
fn modules(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut before = "";
    for line in source.lines() {
        let declared =
            ["mod ", "pub mod ", "pub(crate) mod "].iter().find_map(|begin| line.strip_prefix(begin));
        if let Some(name) = declared.and_then(|rest| rest.strip_suffix(';'))
            && before != "#[cfg(test)]"
        {
            found.push(name);
        }
        before = line;
    }
    found
}

/// The list of modules in a crate's doc: names without a module, and modules without a name.
fn wrong_modules(source: &str) -> Vec<String> {
    let doc: Vec<&str> = source.lines().filter(|line| line.starts_with("//!")).collect();
    let spans = spans(&comments(&doc.join("\n")));
    let name = |span: &String| {
        let name = span.trim_start_matches("mod@").to_owned();
        Some(name).filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    let named: BTreeSet<String> = spans.iter().filter_map(name).collect();
    let modules = modules(source);
    let missing = modules.iter().filter(|module| !named.contains(**module));
    let missing = missing.map(|module| format!("say what `{module}` is for"));
    // The first name of an item is a module's; behind it anything may be named.
    let items = doc.iter().filter_map(|line| line.strip_prefix("//! - ")).filter_map(|item| {
        let item = item.trim_start_matches('[');
        name(&item.strip_prefix('`')?.split_once('`')?.0.to_owned())
    });
    let gone = items
        .filter(|item| !modules.contains(&item.as_str()))
        .map(|item| format!("`{item}` is not a module"));
    missing.chain(gone).collect()
}

#[test]
fn a_crate_says_what_its_modules_are_for() -> anyhow::Result<()> {
    let mut offenders = Vec::new();
    for member in members()? {
        for file in ["lib.rs", "main.rs"] {
            let path = format!("{member}/src/{file}");
            offenders.extend(wrong_modules(&text(&path)).iter().map(|wrong| format!("{path}: {wrong}")));
        }
    }
    none(&offenders, "the doc of a crate lists its modules:");
    let source = "//! - [`mod@one`]: it;\n//! - `two`: it, as `three` is.\npub mod one;\nmod three;\nmod four;\n#[cfg(test)]\nmod tests;\n";
    assert_eq!(wrong_modules(source), ["say what `four` is for", "`two` is not a module"]);
    Ok(())
}

/// The direct dependencies of a manifest that are not crates of this workspace.
fn dependencies(manifest: &str, members: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_in = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_in = line.trim_end_matches(']').ends_with("dependencies");
        } else if is_in && line.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            let name = line.split([' ', '.', '=']).next().unwrap_or_default();
            if !members.iter().any(|member| member == name) {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// Dependencies that no row explains, and rows that explain what nobody depends on.
fn wrong_reasons(page: &str, direct: &BTreeSet<String>) -> Vec<String> {
    let table = page.split("\n## ").next().unwrap_or_default();
    let explained: BTreeSet<String> = first_cells(table).into_iter().flat_map(spans).collect();
    let missing = direct.difference(&explained).map(|name| format!("add a row for `{name}`"));
    let gone = explained.difference(direct).map(|name| format!("`{name}` is not needed any more"));
    missing.chain(gone).collect()
}

#[test]
fn every_dependency_has_a_reason() -> anyhow::Result<()> {
    let members = members()?;
    let manifests = members.iter().map(|member| text(&format!("{member}/Cargo.toml")));
    let direct = manifests.flat_map(|manifest| dependencies(&manifest, &members)).collect();
    none(&wrong_reasons(&text("docs/dependencies.md"), &direct), "docs/dependencies.md:");
    let manifest = "[package]\nname = \"a\"\n[dependencies]\nown.workspace = true\none.workspace = true\n\
                    [dev-dependencies]\ntwo = \"1\"\n[features]\nthree = []\n";
    let direct = dependencies(manifest, &["own".to_owned()]);
    assert_eq!(
        wrong_reasons("| `one`, `four` | x |\n", &direct),
        ["add a row for `two`", "`four` is not needed any more"]
    );
    Ok(())
}
