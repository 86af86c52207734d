//! `starter onboarding …`

mod list;
mod news;

use super::any;
use super::call::Call;
use crate::cli::onboarding::OnboardingCommand;
use crate::processes::ONBOARDING;
use crate::terminal::exit::{Exit, Failure};

pub(crate) async fn run(call: &Call<'_>, command: OnboardingCommand) -> Result<Exit, Failure> {
    match command {
        OnboardingCommand::Start(args) => any::start::run(call, &ONBOARDING, args).await,
        OnboardingCommand::Look(look) => any::look(call, look).await,
        OnboardingCommand::Say(say) => any::say(call, say).await,
        OnboardingCommand::Unsubscribe(args) => news::unsubscribe(call, args).await,
        OnboardingCommand::Consent(args) => news::consent(call, args).await,
        OnboardingCommand::Ordered(args) => news::ordered(call, args).await,
        OnboardingCommand::Erase(args) => news::erase(call, args).await,
        OnboardingCommand::List(args) => list::run(call, args).await,
    }
}
