//! Answers a sync that would exceed its limits.

use serde_json::json;
use workflows::erp_sync::{Decision, ErpSync};

use crate::cli::erp::DecideArgs;
use crate::commands::call::Call;
use crate::processes::ERP;
use crate::processes::name::Name as _;
use crate::runs::update::{Sending, send};
use crate::terminal::exit::{Exit, Failure};

/// `starter erp approve` and `starter erp reject`.
pub(crate) async fn run(call: &Call<'_>, args: DecideArgs, is_approved: bool) -> Result<Exit, Failure> {
    let workflow_id = args.sync.workflow_id()?;
    let session = call.connect().await?;
    let sending = Sending {
        process: Some(&ERP),
        workflow_id: workflow_id.clone(),
        update_id: None,
        limit: args.timeout,
    };
    let decision = Decision { reason: args.reason };
    let answer = match is_approved {
        true => send::<ErpSync, _>(&session, call.out, sending, ErpSync::approve, decision).await?,
        false => send::<ErpSync, _>(&session, call.out, sending, ErpSync::reject, decision).await?,
    };
    let document = json!({ "workflow_id": workflow_id, "answer": answer });
    call.out.document(&document, |_| answer.clone())?;
    Ok(Exit::Ok)
}
