//! Every list that a process stands in.
//!
//! One more process costs one file, one test file, one sample and one line in each visible list. A forgotten line
//! compiles; here it does not pass.

use anyhow::Context as _;

use super::{between, has_line, names, none, text};

/// A process by its file.
struct Process {
    /// `order_processing`
    module: String,
    /// The Rust types of its workflows, the one that is started from outside first.
    types: Vec<String>,
    /// Their workflow types, as histories record them.
    run_names: Vec<String>,
}

impl Process {
    /// The process in a file, if a workflow is in it.
    fn read(module: &str, source: &str) -> Option<Self> {
        let types: Vec<String> = source
            .split("\n#[workflow]\n")
            .skip(1)
            .filter_map(|rest| between(rest, "pub struct ", |c| !c.is_alphanumeric()))
            .collect();
        let runs = source.split("run(name = \"").skip(1);
        let run_names = runs.filter_map(|rest| between(rest, "", |c| c == '"')).collect();
        (!types.is_empty()).then(|| Self { module: module.to_owned(), types, run_names })
    }
}

/// Every list that names processes.
struct Lists {
    modules: String,
    registry: String,
    starter: String,
    samples: Vec<String>,
    tests: Vec<String>,
    readme: String,
}

impl Lists {
    fn read() -> anyhow::Result<Self> {
        Ok(Self {
            modules: text("workflows/src/lib.rs"),
            registry: text("worker/src/registry.rs"),
            starter: text("starter/src/processes.rs"),
            samples: names("starter/samples")?,
            tests: names("tests/it")?,
            readme: text("README.md"),
        })
    }

    /// Instructions for all that a process lacks.
    fn missing(&self, process: &Process) -> Vec<String> {
        let Process { module, types, run_names } = process;
        let mut missing = Vec::new();
        let mut want = |is_there: bool, instruction: String| {
            if !is_there {
                missing.push(instruction);
            }
        };
        want(
            has_line(&self.modules, &format!("pub mod {module};")),
            format!("workflows/src/lib.rs: add `pub mod {module};`"),
        );
        for name in types {
            want(
                run_names.contains(name),
                format!("workflows/src/{module}.rs: give {name} its own name: `#[run(name = \"{name}\")]`"),
            );
            let register = format!(".register_workflow::<{name}>()");
            want(
                self.registry.contains(&register),
                format!("worker/src/registry.rs: add `{register}` to the processes"),
            );
            let counted = format!("Counted::of::<{name}>()");
            want(
                self.registry.contains(&counted),
                format!("worker/src/registry.rs: add `{counted}` to what is counted from 0"),
            );
            let is_row = |line: &str| line.starts_with('|') && line.contains(&format!("`{name}`"));
            want(
                self.readme.lines().any(is_row),
                format!(
                    "README.md, \"The processes\": add a row with `{name}`, its workflow id and its sample"
                ),
            );
        }
        let listed = self.constant(&types[0]);
        want(
            listed.is_some_and(|(constant, _)| {
                between(&self.starter, " ALL: ", |c| c == ';')
                    .is_some_and(|all| all.contains(&format!("&{constant}")))
            }),
            format!(
                "starter/src/processes.rs: add a constant with `workflow_type: {}::NAME`, and list it in `ALL`",
                types[0]
            ),
        );
        // Before the starter has a noun for it, the first word of the file's name is a fair guess.
        let noun = listed.map_or_else(
            || module.split('_').next().unwrap_or(module).to_owned(),
            |(_, noun)| noun.replace('-', "_"),
        );
        let is_of = |name: &&String, end: &str| name.starts_with(&noun) && name.ends_with(end);
        want(
            self.samples.iter().any(|name| is_of(&name, ".json")),
            format!("starter/samples/{noun}.json: add an input that goes through against the sandbox"),
        );
        want(
            self.tests.iter().any(|name| is_of(&name, ".rs")),
            format!("tests/it/{noun}_….rs: add whole-system tests, and their `mod` line in tests/it/main.rs"),
        );
        missing
    }

    /// The starter's constant for a workflow type, and the noun in it.
    fn constant(&self, workflow: &str) -> Option<(&str, &str)> {
        let constants = self.starter.split("pub(crate) const ").skip(1);
        let mut constants = constants.filter_map(|rest| rest.split_once(": Process = Process {"));
        let (constant, rest) = constants.find(|(_, rest)| {
            let own = rest.split("\n};").next().unwrap_or_default();
            own.contains(&format!("workflow_type: {workflow}::NAME"))
        })?;
        let noun = rest.split_once("noun: \"")?.1.split('"').next()?;
        Some((constant, noun))
    }
}

#[test]
fn every_process_stands_in_every_list() -> anyhow::Result<()> {
    let lists = Lists::read()?;
    let mut processes = Vec::new();
    for file in names("workflows/src")? {
        if let Some(module) = file.strip_suffix(".rs") {
            // A process is a file with a room in which its workflow stands.
            processes.extend(Process::read(module, &text(&format!("workflows/src/{module}/face.rs"))));
        }
    }
    assert!(
        processes.iter().any(|process| process.types == ["OrderProcessing"]),
        "no process is found any more"
    );
    let missing: Vec<String> = processes.iter().flat_map(|process| lists.missing(process)).collect();
    none(&missing, "a process is missing in a list:");
    Ok(())
}

#[test]
fn a_new_process_is_told_every_line_it_lacks() -> anyhow::Result<()> {
    let source =
        "\n#[workflow]\n#[derive(Default)]\npub struct CouponCampaign;\n#[run(name = \"Coupons\")]\n";
    let process = Process::read("coupon_campaign", source).context("a process")?;
    let missing = Lists::read()?.missing(&process);
    let files: Vec<&str> = missing.iter().filter_map(|line| line.split([':', ',']).next()).collect();
    let expected = [
        "workflows/src/lib.rs",
        "workflows/src/coupon_campaign.rs",
        "worker/src/registry.rs",
        "worker/src/registry.rs",
        "README.md",
        "starter/src/processes.rs",
        "starter/samples/coupon.json",
        "tests/it/coupon_….rs",
    ];
    assert_eq!(files, expected, "{missing:#?}");
    Ok(())
}
