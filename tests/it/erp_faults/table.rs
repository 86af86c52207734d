//! The outcome of every fault at every step of a sync: one expectation per cell, to be read by people.
//!
//! The ERP has four products (one of them is in the shop already, otherwise), four levels (one falls to zero), two
//! customers and two orders; the shop has none of them so. Each entity's changes have times of their own.

use serde_json::Value;
use tests::erp::books::PerEntity;
use tests::matrix::{self, Cell};
use workflows::erp_sync::ErpSync;

use super::Syncs;

/// How a cell ends, and what shop and ERP say then. In every cell the run after it, with nothing in its way, brings the
/// shop to equality with the ERP, and each record was written once in all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) ends: Ends,
    /// Records that are in the shop as the ERP has them: products, levels, customers, orders. Nothing else is written.
    pub(super) written: PerEntity,
    /// Entities whose watermark has moved to their newest change, in that order; the others' has not.
    pub(super) moved: usize,
    /// Records in the quarantine. With some of them in there the next run reads again from the oldest of them.
    pub(super) quarantined: usize,
    /// Whether the shop knows how it ended.
    pub(super) is_told: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// Completed; the shop has status `success`, no error, and the report.
    Synced,
    /// Failed with that type at that step; the shop has status `failed` and the same reason.
    Failed(&'static str, &'static str),
    /// Canceled at that step; the shop has status `failed` and the reason of the cancel.
    Cancelled(&'static str),
    /// Completed without success and with that outcome; the shop has status `failed` and the reason.
    Stopped(&'static str),
}

/// Where a fault strikes.
pub(super) struct Row {
    pub(super) step: &'static str,
    pub(super) cells: Cells,
}

#[expect(clippy::large_enum_variant, reason = "a table in a constant: a box could not be in it")]
pub(super) enum Cells {
    /// The lease, which lies in the object store and not at a system that can be struck: its cells are tests of their
    /// own.
    Lease,
    /// Decisions of the process by itself, from the records that it read: nothing is asked, so nothing can fail; the
    /// records can be wrong, and a person can be asked.
    Decided(&'static [(Decision, Expected)]),
    /// A call.
    Call(Call),
}

/// One operation of a step under every fault.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) operation: &'static str,
    /// Whether it goes the same way as another row: then only what passes strikes it.
    pub(super) is_alike: bool,
    /// How its system says no for good.
    pub(super) refusal: Way,
    /// Refused for good.
    pub(super) refused: Expected,
    /// HTTP 503 twice, then asked to slow down, then the effect happens and its reply is lost, then its reply is
    /// garbled, all at a shop that ignores keys; `kill -9` of the worker after the effect, and another one takes over.
    pub(super) passing: Expected,
    /// The ERP's token is good for so many requests that it expires at this read. `None`: the call needs no such token.
    pub(super) expired: Option<(u32, Expected)>,
    /// Temporal's cancel while the call is under way.
    pub(super) cancelled: Expected,
    /// Temporal's cancel while the system asks to slow down, again and again.
    pub(super) put_off: Expected,
    /// HTTP 503 for longer than the step's patience.
    pub(super) down: Expected,
}

/// How a sync comes to an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    /// As every sync does.
    #[default]
    Plain,
    /// The operation refuses by that HTTP status.
    Refused(u16),
    /// The password is another one.
    Password,
    /// The ERP's token is good for so many requests.
    Expired(u32),
}

impl matrix::Way for Way {
    fn faults(self, operation: &str) -> Vec<Value> {
        match self {
            Self::Refused(status) => vec![matrix::refused(operation, status)],
            Self::Plain | Self::Password | Self::Expired(_) => Vec::new(),
        }
    }
}

/// The situations in which the process decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// A record cannot be mapped, and none may be invalid.
    Unmapped,
    /// A record cannot be mapped, and one may be invalid.
    UnmappedAllowed,
    /// A record is mapped to what the shop cannot take, and none may be invalid.
    Invalid,
    /// The same, and one may be invalid.
    InvalidAllowed,
    /// The brake asks, and a person says yes.
    Approved,
    /// The brake asks, and a person says no.
    Rejected,
    /// The brake asks, and nobody answers in time.
    Unanswered,
    /// The brake asks, and Temporal cancels.
    CancelledAsking,
    /// The brake asks, the worker is killed, another one takes over, and a person says yes.
    KilledAsking,
}

pub(super) const SYNCED: Expected =
    Expected { ends: Ends::Synced, written: [4, 4, 2, 2], moved: 4, quarantined: 0, is_told: true };

/// All the same the watermark is past what was refused: the quarantine has it.
const fn synced_but(written: PerEntity, quarantined: usize) -> Expected {
    Expected { written, quarantined, ..SYNCED }
}

const fn ended(ends: Ends, written: PerEntity, moved: usize) -> Expected {
    Expected { ends, written, moved, ..SYNCED }
}

const fn failed(step: &'static str, written: PerEntity, moved: usize) -> Expected {
    ended(Ends::Failed("StepFailed", step), written, moved)
}

const fn cancelled(step: &'static str, written: PerEntity, moved: usize) -> Expected {
    ended(Ends::Cancelled(step), written, moved)
}

const fn untold(expected: Expected) -> Expected {
    Expected { is_told: false, ..expected }
}

const NOTHING: PerEntity = [0; 4];
pub(super) const ALL: PerEntity = [4, 4, 2, 2];

const AUTHENTICATE: &str = "authenticate-erp";
const FETCH: &str = "fetch-erp-data";
const TRANSFORM: &str = "transform-data";
const VALIDATE: &str = "validate-data";
const PRODUCTS: &str = "sync-products";
const INVENTORY: &str = "sync-inventory";
const CUSTOMERS: &str = "sync-customers";
const ORDERS: &str = "sync-orders";
const UPDATE: &str = "update-sync-timestamp";
const REPORT: &str = "generate-report";

/// A call that is refused so. Before the first write, whatever ends it, nothing is written and no watermark moves.
const fn call(step: &'static str, operation: &'static str, refused: Expected) -> Row {
    let call = Call {
        operation,
        is_alike: false,
        refusal: Way::Refused(422),
        refused,
        passing: SYNCED,
        expired: None,
        cancelled: cancelled(step, NOTHING, 0),
        put_off: cancelled(step, NOTHING, 0),
        down: failed(step, NOTHING, 0),
    };
    Row { step, cells: Cells::Call(call) }
}

const fn before(step: &'static str, operation: &'static str) -> Row {
    call(step, operation, failed(step, NOTHING, 0))
}

impl Row {
    const fn with(self, call: Call) -> Self {
        Self { step: self.step, cells: Cells::Call(call) }
    }

    const fn call(&self) -> Call {
        match self.cells {
            Cells::Call(call) => call,
            Cells::Lease | Cells::Decided(_) => panic!("no call"),
        }
    }

    /// Cancelled while the call is under way, and while it is put off.
    const fn stopped(self, cancelled: Expected, put_off: Expected) -> Self {
        let call = Call { cancelled, put_off, ..self.call() };
        self.with(call)
    }

    const fn down(self, down: Expected) -> Self {
        let call = Call { down, ..self.call() };
        self.with(call)
    }
}

/// A read of the ERP, which needs its token; `requests` are made with it before.
const fn read(operation: &'static str, requests: u32) -> Row {
    let row = before(FETCH, operation);
    let call = Call { expired: Some((requests, SYNCED)), ..row.call() };
    row.with(call)
}

const fn alike(row: Row) -> Row {
    let call = Call { is_alike: true, ..row.call() };
    row.with(call)
}

const fn log_in(refused: Expected) -> Row {
    let row = call(AUTHENTICATE, "erp.auth", refused);
    let call = Call { refusal: Way::Password, ..row.call() };
    row.with(call)
}

/// Cancelled before every product is written.
pub(super) const CANCELLED_AMONG_PRODUCTS: Expected = cancelled(PRODUCTS, NOTHING, 0);

/// The object store cannot keep leases.
pub(super) const FAILED_AT_LEASE: Expected = failed(AUTHENTICATE, NOTHING, 0);
/// The same, and Temporal cancels meanwhile.
pub(super) const CANCELLED_AT_LEASE: Expected = cancelled(AUTHENTICATE, NOTHING, 0);

pub(super) const ROWS: [Row; 21] = [
    Row { step: AUTHENTICATE, cells: Cells::Lease },
    // The call that makes tokens needs none.
    log_in(ended(Ends::Failed("ErpRefused", AUTHENTICATE), NOTHING, 0)),
    before(AUTHENTICATE, "integrations.get"),
    read("erp.products", 1),
    alike(read("erp.inventory", 2)),
    alike(read("erp.customers", 4)),
    alike(read("erp.orders", 5)),
    before(FETCH, "products.lookup"),
    alike(before(FETCH, "inventory.lookup")),
    alike(before(FETCH, "customers.lookup")),
    alike(before(FETCH, "orders.lookup")),
    Row {
        step: TRANSFORM,
        cells: Cells::Decided(&[
            (
                Decision::Unmapped,
                Expected { quarantined: 1, ..ended(Ends::Failed("DataInvalid", TRANSFORM), NOTHING, 0) },
            ),
            (Decision::UnmappedAllowed, synced_but(ALL, 1)),
        ]),
    },
    Row {
        step: VALIDATE,
        cells: Cells::Decided(&[
            (
                Decision::Invalid,
                Expected { quarantined: 1, ..ended(Ends::Failed("DataInvalid", VALIDATE), NOTHING, 0) },
            ),
            (Decision::InvalidAllowed, synced_but(ALL, 1)),
            // The product that is given away is a fifth one.
            (Decision::Approved, synced_but([5, 4, 2, 2], 0)),
            (Decision::Rejected, ended(Ends::Stopped("cancelled"), NOTHING, 0)),
            (Decision::Unanswered, ended(Ends::Stopped("expired"), NOTHING, 0)),
            (Decision::CancelledAsking, cancelled(VALIDATE, NOTHING, 0)),
            (Decision::KilledAsking, synced_but([5, 4, 2, 2], 0)),
        ]),
    },
    before(VALIDATE, "inventory.statistics"),
    // A batch under way is finished, so a cancel finds the whole of it written; a batch that is put off is not sent.
    // A level of a product that is not there is refused as well.
    call(PRODUCTS, "products.create", synced_but([1, 1, 2, 2], 6))
        .stopped(cancelled(PRODUCTS, [4, 0, 0, 0], 1), cancelled(PRODUCTS, [1, 0, 0, 0], 0))
        .down(failed(PRODUCTS, [1, 0, 0, 0], 0)),
    alike(
        call(PRODUCTS, "products.update", synced_but([3, 4, 2, 2], 1))
            .stopped(cancelled(PRODUCTS, [4, 0, 0, 0], 1), cancelled(PRODUCTS, [3, 0, 0, 0], 0))
            .down(failed(PRODUCTS, [3, 0, 0, 0], 0)),
    ),
    call(INVENTORY, "inventory.level", synced_but([4, 0, 2, 2], 4))
        .stopped(cancelled(INVENTORY, [4, 4, 0, 0], 2), cancelled(INVENTORY, [4, 0, 0, 0], 1))
        .down(failed(INVENTORY, [4, 0, 0, 0], 1)),
    call(CUSTOMERS, "customers.upsert", synced_but([4, 4, 0, 2], 2))
        .stopped(cancelled(CUSTOMERS, [4, 4, 2, 0], 3), cancelled(CUSTOMERS, [4, 4, 0, 0], 2))
        .down(failed(CUSTOMERS, [4, 4, 0, 0], 2)),
    call(ORDERS, "orders.upsert", synced_but([4, 4, 2, 0], 2))
        .stopped(cancelled(ORDERS, ALL, 4), cancelled(ORDERS, [4, 4, 2, 0], 3))
        .down(failed(ORDERS, [4, 4, 2, 0], 3)),
    // The call that tells how far the sync is also tells how it ended: refused or down, it tells neither, and the next
    // run compares everything once more.
    call(UPDATE, "integrations.update", untold(failed(UPDATE, ALL, 0)))
        .stopped(cancelled(UPDATE, ALL, 4), cancelled(UPDATE, ALL, 4))
        .down(untold(failed(UPDATE, ALL, 0))),
    // A cancel under way finds nothing left that could be stopped.
    call(REPORT, "integrations.report", failed(REPORT, ALL, 4))
        .stopped(SYNCED, cancelled(REPORT, ALL, 4))
        .down(failed(REPORT, ALL, 4)),
];

// A step that is added to the process without a row here does not compile.
tests::every_step_has_cells!(ROWS, ErpSync);

/// The calls with their steps.
pub(super) fn calls() -> impl Iterator<Item = (&'static str, Call)> {
    ROWS.iter().filter_map(|row| match row.cells {
        Cells::Call(call) => Some((row.step, call)),
        Cells::Lease | Cells::Decided(_) => None,
    })
}

/// A column of all calls.
pub(super) fn every(expected: fn(&Call) -> Expected) -> impl Iterator<Item = Cell<Syncs>> {
    calls().map(move |(step, call)| Cell::new(step, call.operation, expected(&call)))
}

/// A column of the calls of which no two go the same way: their next run costs a second each.
pub(super) fn unlike(expected: fn(&Call) -> Expected) -> impl Iterator<Item = Cell<Syncs>> {
    let unlike = calls().filter(|(_, call)| !call.is_alike);
    unlike.map(move |(step, call)| Cell::new(step, call.operation, expected(&call)))
}
