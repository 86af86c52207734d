//! Tests of the table of processes.

use temporalio_common::UpdateDefinition as _;

use super::name::Stoppable as _;
use super::*;

#[test]
fn a_plan_is_named_by_its_process_and_fits_the_web_ui() {
    let plan = (ORDER.plan)(include_str!("../../samples/order.json")).expect("the sample is right");
    assert_eq!(ORDER.key(&plan.workflow_id), "ORDER-001");
    assert_eq!(plan.summary, "Order ORDER-001: 1 item, 25000000 VND");
    // Temporal's limit for the summary in a list.
    assert!(plan.summary.len() <= 200);
}

#[test]
fn a_noun_stops_its_own_process() {
    assert_eq!(OrderRef::UPDATE, OrderProcessing::cancel_order.name());
    assert_eq!(of_noun(OrderRef::NOUN).map(|process| process.name), Some(ORDER.name));
    assert_eq!(CustomerName::UPDATE, CustomerOnboarding::cancel_onboarding.name());
    assert_eq!(of_noun(CustomerName::NOUN).map(|process| process.name), Some(ONBOARDING.name));
    assert_eq!(BatchRef::UPDATE, BulkPriceUpdate::cancel.name());
    assert_eq!(of_noun(BatchRef::NOUN).map(|process| process.name), Some(PRICES.name));
    assert_eq!(CatalogRef::UPDATE, CatalogSetup::cancel_setup.name());
    assert_eq!(of_noun(CatalogRef::NOUN).map(|process| process.name), Some(CATALOG.name));
}

#[test]
fn a_name_means_a_workflow_id_or_what_the_nouns_make_of_it() {
    let meant = |name: &str| meant(name).expect("needs no key");
    assert_eq!(meant("order/ORDER-001/late"), ["order/ORDER-001/late"]);
    assert_eq!(
        meant("ORDER-001"),
        ["order/ORDER-001", "erp/ORDER-001", "prices/ORDER-001", "catalog/ORDER-001"]
    );
    assert!(meant("0123456789abcdef").contains(&"onboarding/0123456789abcdef".to_owned()));
    assert!(
        meant("0123456789abcdef/follow-up").contains(&"onboarding/0123456789abcdef/follow-up".to_owned())
    );
    assert_eq!(meant("somebody else's"), ["somebody else's"]);
}

#[test]
fn a_step_at_which_a_person_decides_is_one_of_the_process() {
    for process in ALL {
        let steps = ErpSync::STEPS.iter().chain(BulkPriceUpdate::STEPS).chain(CatalogSetup::STEPS);
        let steps: Vec<_> = steps.map(|step| step.name).collect();
        assert!(process.decides_at.iter().all(|step| steps.contains(step)), "{}", process.name);
    }
}

#[test]
fn workflow_types_are_used_once() {
    for (i, a) in ALL.iter().enumerate() {
        for b in &ALL[i + 1..] {
            assert_ne!(a.workflow_type, b.workflow_type);
        }
    }
    assert!(of_type("OrderProcessing").is_some());
    assert!(of_type("SomebodyElses").is_none());
}
