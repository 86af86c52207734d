//! The words that banks and card networks decline with, as providers pass them on.

/// In alphabetical order.
const DECLINES: [&str; 62] = [
    "approve_with_id",
    "authentication_not_handled",
    "authentication_required",
    "call_issuer",
    "card_declined",
    "card_not_supported",
    "card_velocity_exceeded",
    "currency_not_supported",
    "debit_not_authorized",
    "declined",
    "do_not_honor",
    "do_not_try_again",
    "duplicate_transaction",
    "expired_card",
    "fraudulent",
    "generic_decline",
    "highest_risk_level",
    "incorrect_address",
    "incorrect_cvc",
    "incorrect_number",
    "incorrect_pin",
    "incorrect_zip",
    "insufficient_balance",
    "insufficient_funds",
    "invalid_account",
    "invalid_amount",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "invalid_pin",
    "issuer_not_available",
    "limit_exceeded",
    "lost_card",
    "merchant_blacklist",
    "new_account_information_available",
    "no_action_taken",
    "not_permitted",
    "offline_pin_required",
    "online_or_offline_pin_required",
    "payment_declined",
    "payment_failed",
    "payment_method_declined",
    "pickup_card",
    "pin_try_exceeded",
    "processing_error",
    "reenter_transaction",
    "restricted_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "security_violation",
    "service_not_allowed",
    "stolen_card",
    "stop_payment_order",
    "suspected_fraud",
    "testmode_decline",
    "transaction_not_allowed",
    "try_again_later",
    "wallet_declined",
    "withdrawal_count_limit_exceeded",
    "wrong_pin",
    "wrong_wallet",
];

/// Whether a code says that a payment was declined, in whichever case it is written.
pub(super) fn is_decline(code: &str) -> bool {
    DECLINES.binary_search(&code.to_ascii_lowercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_a_word_beside_it_is_no_decline() {
        assert!(DECLINES.is_sorted_by(|a, b| a < b));
        assert!(is_decline("insufficient_funds") && is_decline("CARD_DECLINED"));
        for other in ["PAYMENT_REQUIRED", "UNSPECIFIED", "plan_expired", ""] {
            assert!(!is_decline(other), "{other}");
        }
    }
}
