//! Lists onboardings, or their series of mails.

use workflows::search_attributes::{CUSTOMER_REF, OUTCOME};

use crate::cli::onboarding::OnboardingListArgs;
use crate::commands::any::list;
use crate::commands::call::Call;
use crate::processes::{FOLLOW_UP, ONBOARDING};
use crate::terminal::exit::{Exit, Failure};

/// `starter onboarding list`: onboardings, and with `--mails` the series of follow-up mails instead.
pub(crate) async fn run(call: &Call<'_>, args: OnboardingListArgs) -> Result<Exit, Failure> {
    let process = if args.mails { FOLLOW_UP } else { ONBOARDING };
    let mut filters = vec![format!("WorkflowType = '{}'", process.workflow_type)];
    if let Some(customer) = args.customer {
        filters.push(format!("{} = '{}'", CUSTOMER_REF.name(), customer.customer_ref()?));
    }
    if let Some(outcome) = args.outcome {
        filters.push(format!("{} = '{}'", OUTCOME.name(), list::value_name(&outcome)));
    }
    if args.needs_human {
        filters.push(list::needs_human());
    }
    list::ours(call, &filters.join(" AND "), args.limit.get()).await
}
