//! Variables of the environment that look like a setting and are none. One that is misspelt would have no effect, and
//! nobody would see why: the payment provider that was meant would be the platform.

use std::ffi::OsString;

use clap::CommandFactory as _;
use text::Problem;

use super::Config;
use super::problems::Problems;

const OURS: &str = "SUN_";

/// Settings of the starter and the sandbox, whose environment a worker may share.
const OF_OTHERS: [&str; 3] = ["SUN_SANDBOX_TOKEN", "SUN_WEB_UI_URL", "SUN_WORKER_URL"];

/// Notes the variables that are a setting but for one typing error or two. Others that begin as ours do may be
/// anybody's: a cluster makes some of the names of its services.
pub(super) fn check(variables: impl Iterator<Item = OsString>, problems: &mut Problems) {
    let command = Config::command();
    let settings = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str());
    let known: Vec<&str> = settings.chain(OF_OTHERS).filter(|name| name.starts_with(OURS)).collect();
    for variable in variables {
        let Some(variable) = variable.to_str().filter(|name| name.starts_with(OURS)) else { continue };
        if known.contains(&variable) {
            continue;
        }
        if let Some(meant) = text::nearest(variable, known.iter().copied()) {
            let fix = format!("if {meant} is meant, call it so; if not, take it out");
            problems.add(Problem::new(variable, "is not a setting, and would have no effect", fix));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_misspelt_is_named_with_the_one_that_is_meant() {
        let said = |variables: &[&str]| {
            let mut problems = Problems::default();
            check(variables.iter().map(OsString::from), &mut problems);
            problems.to_string()
        };
        // In two pieces: not settings, which nobody is to look for in the help.
        for (variable, meant) in [
            (concat!("SUN", "_PAYMENT_PROVDER"), "SUN_PAYMENT_PROVIDER"),
            (concat!("SUN", "_MAIL_URI"), "SUN_MAIL_URL"),
            (concat!("SUN", "_UNDO_PATIENTS"), "SUN_UNDO_PATIENCE"),
            (concat!("SUN", "_ECOMMERCE_API_TOKEN_FILES"), "SUN_ECOMMERCE_API_TOKEN_FILE"),
        ] {
            let said = said(&[variable]);
            let words = format!(
                "{variable} is not a setting, and would have no effect: if {meant} is meant, call it so"
            );
            assert!(said.contains(&words), "{said}");
        }
        let known =
            ["SUN_PAYMENT_PROVIDER", "SUN_ERP_CREDENTIALS_ERP_001", "SUN_WORKER_URL", "SUN_SANDBOX_TOKEN"];
        let of_others = [
            concat!("SUN", "_INVENTORY_SERVICE_HOST"),
            concat!("SUN", "_INVENTORY_PORT_80_TCP"),
            "SUNFLOW_BENCH",
            "PATH",
        ];
        for variables in [known, of_others] {
            assert_eq!(said(&variables), "See `worker --help`.", "{variables:?}");
        }
    }
}
