//! The context of every command: the flags of all commands, and where its words go.

use crate::cli::Global;
use crate::runs::connect::{Session, Settings, Typed};
use crate::terminal::exit::Failure;
use crate::terminal::output::Out;

/// One call of this program.
pub(crate) struct Call<'o> {
    pub(crate) out: &'o Out,
    global: &'o Global,
}

impl<'o> Call<'o> {
    pub(crate) fn new(global: &'o Global, out: &'o Out) -> Self {
        Self { out, global }
    }

    /// The task queue that the workers poll.
    pub(crate) fn task_queue(&self) -> &'o str {
        &self.global.task_queue
    }

    /// Reads the connection settings; connects to nothing.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let typed = Typed {
            profile_name: self.global.profile.clone(),
            profile: self.global.settings(),
            web_ui: self.global.web_ui.clone(),
        };
        Settings::load(typed, self.out)
    }

    /// Reads the settings and connects.
    pub(crate) async fn connect(&self) -> Result<Session, Failure> {
        self.settings()?.connect().await
    }
}
