//! Whole-system tests: a real Temporal server, real workers, the sandbox shop.

mod follow_up_faults;
mod late_payment;
mod mail;
mod onboarding_completed;
mod onboarding_family;
mod onboarding_faults;
mod onboarding_follow_up;
mod onboarding_privacy;
mod onboarding_refused;
mod onboarding_starter;
mod onboarding_unsubscribe;
mod order_cancelled;
mod order_crowd;
mod order_faults;
mod order_fulfilled;
mod order_lost_replies;
mod order_refused;
mod order_stuck;
mod order_waiting;
mod replay;
mod server_restart;
mod starter;
mod stripe;
mod tidy;
mod webhook_door;
mod worker_life;
