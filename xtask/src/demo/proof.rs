//! The claims of the demo, checked.

use std::fmt;

use serde_json::Value;

/// The exit codes of `starter … --wait`.
const COMPLETED: i32 = 0;
const UNDONE: i32 = 5;

/// The sample order's total. VND has no minor unit.
const SAMPLE_TOTAL: u64 = 25_000_000;

/// Statements in words, each with what was found and whether it holds.
pub(super) struct Proof(Vec<(bool, String)>);

impl Proof {
    /// From the starter's exit codes for both orders, and the sandbox's audit.
    pub(super) fn of(first: i32, second: i32, audit: &Value) -> Self {
        let totals = &audit["totals"];
        Self(vec![
            (first == COMPLETED, format!("order 1 ran to its end (exit code {first}, wanted {COMPLETED})")),
            (
                second == UNDONE,
                format!(
                    "order 2 ended as the business decided, all undone (exit code {second}, wanted {UNDONE})"
                ),
            ),
            (audit["ok"] == true, format!("the audit finds nothing wrong (ok: {})", audit["ok"])),
            (totals["charges"] == 1, format!("exactly one charge was made ({})", totals["charges"])),
            (
                totals["net_money"] == serde_json::json!({"VND": SAMPLE_TOTAL}),
                format!("the shop has exactly VND {SAMPLE_TOTAL} ({})", totals["net_money"]),
            ),
            (totals["holds"] == 0, format!("no stock is left on hold ({})", totals["holds"])),
        ])
    }

    pub(super) fn holds(&self) -> bool {
        self.0.iter().all(|(holds, _)| *holds)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.holds() { "Proved:" } else { "Not proved:" })?;
        for (holds, statement) in &self.0 {
            write!(f, "\n  {} {statement}", if *holds { "ok    " } else { "FAILED" })?;
        }
        Ok(())
    }
}

/// The audit as a person reads it: the verdict, each violation, each total.
pub(super) fn audit_in_words(audit: &Value) -> String {
    let verdict = if audit["ok"] == true { "  no violations" } else { "  VIOLATIONS" };
    let mut lines = vec![verdict.to_owned()];
    for violation in audit["violations"].as_array().into_iter().flatten() {
        lines.push(format!("  - {}", violation.as_str().unwrap_or_default()));
    }
    for (name, total) in audit["totals"].as_object().into_iter().flatten() {
        lines.push(format!("  {:<18}{}", name.replace('_', " "), total_in_words(total)));
    }
    lines.join("\n")
}

/// A count, or an amount per currency in its minor unit.
fn total_in_words(total: &Value) -> String {
    let Some(amounts) = total.as_object() else { return total.to_string() };
    let amounts: Vec<_> = amounts.iter().map(|(currency, amount)| format!("{currency} {amount}")).collect();
    if amounts.is_empty() { "none".to_owned() } else { amounts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good_audit() -> Value {
        json!({"ok": true, "violations": [], "totals": {
            "charges": 1, "refunds": 0, "net_money": {"VND": 25_000_000}, "holds": 0,
            "shipments": 1, "voided_shipments": 0, "mails": 2, "sms": 1, "pushes": 1, "events": 1,
        }})
    }

    #[test]
    fn both_orders_and_right_books_are_the_proof() {
        let proof = Proof::of(0, 5, &good_audit());
        assert!(proof.holds(), "{proof}");
        assert!(proof.to_string().starts_with("Proved:\n"));
    }

    #[test]
    fn each_statement_alone_can_break_it() {
        assert!(!Proof::of(1, 5, &good_audit()).holds());
        assert!(!Proof::of(0, 0, &good_audit()).holds());
        let flaws = [
            ("/ok", json!(false)),
            ("/totals/charges", json!(2)),
            ("/totals/net_money", json!({"VND": 50_000_000})),
            ("/totals/net_money", json!({"VND": 25_000_000, "USD": 1})),
            ("/totals/holds", json!(1)),
        ];
        for (place, flaw) in flaws {
            let mut audit = good_audit();
            *audit.pointer_mut(place).expect("is there") = flaw;
            let proof = Proof::of(0, 5, &audit);
            assert!(!proof.holds(), "{place}: {proof}");
            assert!(proof.to_string().contains("FAILED"));
        }
        assert!(!Proof::of(0, 5, &Value::Null).holds(), "an audit that says nothing proves nothing");
    }

    #[test]
    fn the_audit_reads_like_a_list() {
        let mut audit = good_audit();
        assert!(
            audit_in_words(&audit).contains("\n  net money         VND 25000000"),
            "{}",
            audit_in_words(&audit)
        );
        audit["ok"] = json!(false);
        audit["violations"] = json!(["ORDER-001 is charged twice"]);
        assert!(audit_in_words(&audit).starts_with("  VIOLATIONS\n  - ORDER-001 is charged twice\n"));
    }
}
