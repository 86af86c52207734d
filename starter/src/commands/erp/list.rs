//! Lists syncs.

use workflows::search_attributes::SOURCE;

use crate::cli::erp::ErpListArgs;
use crate::commands::any::list;
use crate::commands::call::Call;
use crate::processes::ERP;
use crate::terminal::exit::{Exit, Failure};

/// `starter erp list`.
pub(crate) async fn run(call: &Call<'_>, args: ErpListArgs) -> Result<Exit, Failure> {
    let mut filters = vec![format!("WorkflowType = '{}'", ERP.workflow_type)];
    if let Some(integration) = args.integration {
        filters.push(format!("{} = '{integration}'", SOURCE.name()));
    }
    if args.needs_human {
        filters.push(list::needs_human());
    }
    list::ours(call, &filters.join(" AND "), args.limit.get()).await
}
