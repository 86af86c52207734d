//! `cargo xtask demo`: one order that goes well and one that is undone, before your eyes, and the proof.

mod proof;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;

use crate::cargo::{Profile, Workspace};
use crate::environment::without_temporal_settings;
use crate::http;
use crate::interrupt::Interrupt;
use crate::say::say;
use crate::site::{Facts, Site};
use crate::stack::Stack;
use proof::Proof;

/// Start everything, place an order, place one whose card is declined, and show that the books are right
///
/// The first order runs to its end; the second is declined at the payment, and every step before it is undone. Then
/// the sandbox is asked for its audit: one charge, the right sum, nothing left over. Exits with 0 only if all of
/// that holds.
///
/// Works on databases of its own (target/sunflow-demo), emptied at each start. Otherwise as `up`, which says what
/// gets installed and where.
#[derive(Args)]
pub(crate) struct Options {
    /// Stop everything and exit after the proof, instead of staying up to be looked at
    #[arg(long)]
    once: bool,

    #[command(flatten)]
    profile: Profile,
}

const SAMPLE: &str = "starter/samples/order.json";

/// Orders take seconds; one that takes minutes is stuck.
const ORDER_LIMIT: Duration = Duration::from_secs(180);

pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace = Workspace::locate()?;
    let sample = workspace.root.join(SAMPLE);
    let order = fs::read_to_string(&sample).with_context(|| format!("cannot read {SAMPLE}"))?;
    let declined = declined_order(&order)?;
    let site = Site::prepare(&workspace, "sunflow-demo", options.profile, true)?;
    site.run(true, |facts, stack, interrupt| {
        let mut stage = Stage { facts, stack, interrupt };
        tell("Order 1: the sample order, from validation to shipping");
        let first = stage.place_order(&Input::File(&sample))?;
        tell("Order 2: the same order with a card that is declined; what was done before the payment is undone");
        let second = stage.place_order(&Input::Stdin(&declined))?;
        tell("The audit of the sandbox: what the shop, the bank and the carrier saw");
        let audit = audit(facts)?;
        let proof = Proof::of(first, second, &audit);
        tell(&format!(
            "{}\n\n{proof}\n\nBoth histories in Temporal's Web UI:\n  {}\n  {}",
            proof::audit_in_words(&audit),
            facts.workflow_link("order/ORDER-001"),
            facts.workflow_link("order/ORDER-002"),
        ));
        if !options.once {
            tell("Everything stays up until Ctrl-C.");
            stack.tend_until(interrupt);
        }
        ensure!(proof.holds(), "the demo did not prove what it should; see the lines marked FAILED above");
        Ok(())
    })
}

/// Where an order is placed: a running stack, which is tended meanwhile.
struct Stage<'a> {
    facts: &'a Facts,
    stack: &'a mut Stack,
    interrupt: &'a Interrupt,
}

/// Where the starter reads the order from.
enum Input<'a> {
    File(&'a Path),
    Stdin(&'a str),
}

impl Stage<'_> {
    /// Places the order and waits for its end: the exit code of the starter.
    fn place_order(&mut self, input: &Input<'_>) -> Result<i32> {
        let mut starter = start_starter(self.facts, input)?;
        let outcome = self.wait_for(&mut starter);
        if outcome.is_err() {
            // It may have ended by itself by now, hence no error.
            starter.kill().ok();
            starter.wait().ok();
        }
        outcome
    }

    fn wait_for(&mut self, starter: &mut Child) -> Result<i32> {
        let begun = Instant::now();
        loop {
            if self.interrupt.wait(Duration::from_millis(50)) {
                bail!("interrupted while the order was running");
            }
            if let Some(ended) = starter.try_wait().context("lost the starter")? {
                return ended.code().context("the starter was killed");
            }
            ensure!(begun.elapsed() < ORDER_LIMIT, "the order has not ended in {} s", ORDER_LIMIT.as_secs());
            self.stack.tend();
        }
    }
}

fn start_starter(facts: &Facts, input: &Input<'_>) -> Result<Child> {
    let program = facts.bin_dir.join("starter");
    let path = match input {
        Input::File(path) => path.as_os_str(),
        Input::Stdin(_) => "-".as_ref(),
    };
    let mut command = Command::new(&program);
    without_temporal_settings(&mut command)
        .args(["order", "start", "--wait", "--input"])
        .arg(path)
        .envs(facts.environment())
        .stdin(if matches!(input, Input::Stdin(_)) { Stdio::piped() } else { Stdio::null() });
    say!("starter order start --wait --input {}", path.display());
    let mut starter = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
    if let (Input::Stdin(order), Some(mut stdin)) = (input, starter.stdin.take()) {
        // A starter that does not read it has its own complaint to make, and its exit code is looked at.
        stdin.write_all(order.as_bytes()).ok();
    }
    Ok(starter)
}

/// The sample under another order id, paid with the card that the sandbox declines.
fn declined_order(sample: &str) -> Result<String> {
    let mut order: Value = serde_json::from_str(sample).with_context(|| format!("{SAMPLE} is not JSON"))?;
    for (field, value) in [("/order_id", "ORDER-002"), ("/payment_method/card_token", "card_declined")] {
        let place = order.pointer_mut(field).with_context(|| format!("{SAMPLE} has no {field}"))?;
        *place = Value::from(value);
    }
    Ok(order.to_string())
}

/// Both orders have ended, so the shop may hold none of them open.
fn audit(facts: &Facts) -> Result<Value> {
    let response = http::get(facts.sandbox, "/_sandbox/audit?ended=ORDER-").context("the sandbox's audit")?;
    ensure!(response.status == 200, "the sandbox's audit answers {}: {}", response.status, response.body);
    serde_json::from_str(&response.body).context("the sandbox's audit is not JSON")
}

/// The story goes to stdout, with air around it: the starter writes there too.
fn tell(text: &str) {
    writeln!(io::stdout().lock(), "\n{text}\n").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declined_order_differs_in_id_and_card_only() {
        let sample = r#"{"order_id":"ORDER-001","total_amount":25000000,"payment_method":{"type":"credit_card","card_token":"card_token_123"}}"#;
        let declined: Value = serde_json::from_str(&declined_order(sample).expect("made")).expect("JSON");
        let expected = serde_json::json!({
            "order_id": "ORDER-002",
            "total_amount": 25_000_000,
            "payment_method": {"type": "credit_card", "card_token": "card_declined"},
        });
        assert_eq!(declined, expected);
    }

    #[test]
    fn a_sample_without_a_card_is_said_in_words() {
        let error = declined_order(r#"{"order_id":"ORDER-001"}"#).expect_err("no card");
        assert_eq!(error.to_string(), "starter/samples/order.json has no /payment_method/card_token");
    }
}
