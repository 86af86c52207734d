//! The number of a heartbeat's form.

use serde::{Deserialize, Serialize};

/// The number `N`, or the heartbeat cannot be read: half of what another version told would be worse than none of it.
/// Count it up when a field of the heartbeat, or of a type in it, changes its name or its meaning.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Format<const N: u32>;

impl<const N: u32> TryFrom<u32> for Format<N> {
    type Error = String;

    fn try_from(format: u32) -> Result<Self, String> {
        if format == N { Ok(Self) } else { Err(format!("heartbeat of format {format}, not {N}")) }
    }
}

impl<const N: u32> From<Format<N>> for u32 {
    fn from(_: Format<N>) -> Self {
        N
    }
}
