//! Card tokens that make the provider behave in a known way.

use super::books::NewPayment;
use crate::shop::Shop;

/// The card network's answer.
pub(super) enum Verdict {
    Approved,
    /// Charged, but the answer is lost.
    ApprovedReplyLost,
    RequiresAction,
    /// The customer has to act, and the answer to the charge does not name how yet.
    RequiresActionLater,
    ProcessingError,
    /// Declined with that code.
    Declined(&'static str),
}

/// Judges a token; any token that is not special is approved.
pub(super) fn judge(shop: &Shop<'_>, token: &str, charge: &NewPayment<'_>) -> rusqlite::Result<Verdict> {
    Ok(match token {
        "card_declined" => Verdict::Declined("card_declined"),
        "card_insufficient_funds" => Verdict::Declined("insufficient_funds"),
        "card_expired" => Verdict::Declined("expired_card"),
        "card_requires_action" => Verdict::RequiresAction,
        "card_action_later" => Verdict::RequiresActionLater,
        "card_processing_error" => {
            let subject = charge.key.unwrap_or(charge.order_id);
            if first_time(shop, token, subject)? { Verdict::ProcessingError } else { Verdict::Approved }
        }
        "card_charged_reply_lost" => {
            if first_time(shop, token, charge.order_id)? {
                Verdict::ApprovedReplyLost
            } else {
                Verdict::Approved
            }
        }
        _ => Verdict::Approved,
    })
}

fn first_time(shop: &Shop<'_>, token: &str, subject: &str) -> rusqlite::Result<bool> {
    let subject = format!("{token} {subject}");
    Ok(shop.run("INSERT INTO card_tricks (subject) VALUES (?1) ON CONFLICT DO NOTHING", [subject])? == 1)
}

/// Whether asking the customer for another try makes sense.
pub(super) fn customer_may_retry(decline_code: &str) -> bool {
    decline_code != "card_declined"
}
