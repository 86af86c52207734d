//! Makes a run of a list.

use contracts::money::Currency;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use store::Store;

use super::kind::PRICES as LIST;
use super::list::{self, Given};
use crate::cli::prices::{CheckArgs, PaceArgs, UpdateArgs};
use crate::commands::call::Call;
use crate::commands::lists;
use crate::commands::lists::columns::Columns;
use crate::processes::PRICES;
use crate::runs::start::{self, Wanted};
use crate::terminal::exit::{Exit, Failure};
use crate::terminal::input::InputText;
use crate::terminal::program::command;

/// The currency of amounts that name none.
fn currency(checks: &CheckArgs) -> Result<Currency, Failure> {
    let code = checks.currency.as_deref().unwrap_or("VND");
    Currency::from_code(code).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("--currency is no ISO-4217 code: {code}"))
            .fix("write it as VND or EUR; nothing was started")
    })
}

/// The zone of times that name none.
fn zone(checks: &CheckArgs) -> Result<Option<TimeZone>, Failure> {
    let zone = checks.zone.as_deref().map(text::zone).transpose();
    zone.map_err(|refusal| {
        Failure::new(Exit::Usage, format!("--zone {}", refusal.problem))
            .fix(format!("{}; nothing was started", refusal.fix))
    })
}

/// `starter prices update`.
pub(crate) async fn run(call: &Call<'_>, args: UpdateArgs) -> Result<Exit, Failure> {
    let zone = zone(&args.checks)?;
    let columns = Columns::read(&LIST, args.map.as_deref(), currency(&args.checks)?, zone.as_ref())?;
    let store = Store::open(&args.store.store)?;
    let file = lists::file::open(&args.input, args.format, &args.file).await?;
    let batch_id = match &args.batch_id {
        Some(batch) => batch.to_string(),
        None => file.hash()?,
    };
    let given = list::read(&file, &columns, &store, &format!("prices/{batch_id}/input")).await?;
    let mut input = Map::new();
    input.insert("batch_id".to_owned(), json!(batch_id));
    say(&mut input, &args);
    let json = match given {
        // As they were written: amounts keep their digits.
        Given::Inline(updates) => {
            let rest = Value::Object(input).to_string();
            format!("{},\"updates\":{updates}}}", rest.strip_suffix('}').unwrap_or(&rest))
        }
        Given::Listed(list) => {
            input.insert("list".to_owned(), json!(list));
            Value::Object(input).to_string()
        }
    };
    let wanted = Wanted {
        process: &PRICES,
        text: InputText { name: file.name.clone(), json },
        task_queue: call.task_queue().to_owned(),
        is_waiting: args.wait || args.dry_run,
        timeout: args.timeout,
    };
    let exit = start::run(call.settings()?, call.out, wanted).await?;
    if exit == Exit::RowsFailed {
        call.out.say(format!("row by row: {}", command!("prices report {batch_id}")));
    }
    Ok(exit)
}

/// Adds what was typed, as fields of the input.
fn say(input: &mut Map<String, Value>, args: &UpdateArgs) {
    let PaceArgs { batch_size, parallel, delay, max_per_second } = &args.pace;
    let CheckArgs { currency, zone, max_change_percent, max_backdate, allow_below_cost, .. } = &args.checks;
    let CheckArgs { limit_rows, limit_price_change, limit_below_cost, limit_list_value, .. } = &args.checks;
    let on_invalid = args.keep_good_rows.then_some("keep_good_rows");
    let limits = json!({
        "rows": limit_rows, "price_change_percent": limit_price_change, "below_cost": limit_below_cost,
        "list_value_percent": limit_list_value,
    });
    let fields = json!({
        "batch_size": batch_size, "parallel": parallel, "delay": delay, "max_per_second": max_per_second,
        "currency": currency, "zone": zone, "max_change_percent": max_change_percent, "max_backdate": max_backdate,
        "allow_below_cost": allow_below_cost.then_some(true), "on_invalid": on_invalid, "limits": limits,
        "force": args.force.then_some(true), "dry_run": args.dry_run.then_some(true), "approve": args.approve,
    });
    for (name, value) in fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        input.insert(name.clone(), value.clone());
    }
}
