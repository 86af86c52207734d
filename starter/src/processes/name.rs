//! How a noun's runs are named on the command line, and what its help says.

use std::str::FromStr;

use crate::terminal::input::InputError;

/// The name of a run, as somebody types it.
pub(crate) trait Name: FromStr<Err = String> + Clone + Send + Sync + 'static {
    /// The noun it belongs to: `order`.
    const NOUN: &'static str;
    /// The word for its place in a usage line: `ORDER`.
    const PLACE: &'static str;
    /// How it is written.
    const HELP: &'static str;
    /// The descriptions of the verbs that only look.
    const LOOKS: Looks;

    /// The workflow id that is meant.
    fn workflow_id(&self) -> Result<String, InputError>;
}

/// The descriptions of the verbs that only look, one line each.
pub(crate) struct Looks {
    pub(crate) status: &'static str,
    pub(crate) watch: &'static str,
    pub(crate) result: &'static str,
}

/// The name of a run that the business may stop.
pub(crate) trait Stoppable: Name {
    /// The update that stops it.
    const UPDATE: &'static str;
    /// The description of `cancel`.
    const CANCEL: &'static str;
}
