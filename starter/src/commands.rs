//! The highest floor: what each command does, a folder for each noun and a file for each verb.
//!
//! - `call`: what every command gets;
//! - `any`: the verbs that stand once for all nouns (`status`, `watch`, `result`, `cancel`, `answer`, `questions`,
//!   `list`, `start`);
//! - `order`, `onboarding`, `erp`, `prices`, `catalog`, `store`, `schedule`, `mail`, `table`: the nouns;
//! - `lists`: lists that are files;
//! - `history`, `doctor`, `completions`: what has no noun.

pub(crate) mod any;
pub(crate) mod call;
pub(crate) mod catalog;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod erp;
pub(crate) mod history;
pub(crate) mod lists;
pub(crate) mod mail;
pub(crate) mod onboarding;
pub(crate) mod order;
pub(crate) mod prices;
pub(crate) mod schedule;
pub(crate) mod store;
pub(crate) mod table;
