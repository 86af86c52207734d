//! Settings of catalogues' pictures.

use activities::catalog::Networks;
use clap::Args;

/// Pictures of catalogues.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Pictures of catalogues by web address")]
pub(super) struct MediaArgs {
    /// Networks that pictures may be fetched from although they are not public: 10.1.0.0/16, fd00:1::/32. An address in
    /// a catalogue's file must not become a way into the worker's own network.
    #[arg(long, env = "SUN_MEDIA_ALLOW", value_name = "NETWORKS", default_value = "")]
    media_allow: Networks,
}

impl MediaArgs {
    pub(super) fn read(self) -> Networks {
        self.media_allow
    }
}
