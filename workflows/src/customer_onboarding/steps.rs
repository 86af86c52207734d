//! The steps of customer onboarding, each with its undo.

use std::cell::Cell;

use contracts::commerce::{Commerce, CustomerOnboarded};
use contracts::customers::{
    AccountRef, AssignSegments, CheckRef, CreateCustomer, Customer, Customers, HomeSection, KeptBack,
    MayWelcome, PersonalizeHome, Registration, Suppress, UpdatePreferences, WelcomeVerdict,
};
use contracts::loyalty::{Coupon, CreateCoupon, GrantRef, Loyalty, LoyaltyAccount, OpenAccount, Tier};
use contracts::notification::{Content, Delivery, Notifications, SendEmail};
use contracts::values::{CustomerRef, IdempotencyKey};
use jiff::{SignedDuration, Timestamp};
use temporalio_common::search_attributes::SearchAttributes;
use temporalio_workflow::{
    ChildWorkflowOptions, ParentClosePolicy, SignalWorkflowOptions, WorkflowCancellationToken as Token,
    WorkflowContext, WorkflowIdReusePolicy, WorkflowSignalError, join,
};

use super::result::Onboarded;
use super::{
    CREATE, CustomerOnboarding, CustomerRegistrationData, INVALID, IfRegistered, LOYALTY, PERSONALIZE,
    SEGMENTS, TRACK, WELCOME,
};
use crate::follow_up_emails::{self, FollowUpData, FollowUpEmails};
use crate::input::{Said, Unchecked};
use crate::observe;
use crate::policy;
use crate::report::timestamp;
use crate::saga::{Back, Halt, Saga, WayBack};

pub(super) type OnboardingSaga = Saga<CustomerOnboarding>;

const WELCOME_POINTS: u32 = 100;
const COUPON_PERCENT: u32 = 10;
const COUPON_DAYS: i64 = 30;
const COUPON: &str = "coupon";
const FOLLOW_UP: &str = "follow-up";
const MAIL: &str = "welcome";
const SUPPRESS: &str = "suppress";

/// The account of the customer.
pub(super) struct Account {
    pub(super) customer: Customer,
    /// Whether it was there before.
    pub(super) was_registered: bool,
}

/// One customer on the way through the steps.
pub(super) struct OnboardingRun<'d> {
    pub(super) data: &'d CustomerRegistrationData,
    pub(super) customer_ref: CustomerRef,
    /// When the customer registered, by workflow time.
    registered_at: Timestamp,
    /// Names this run in keys. An address may be onboarded again after an onboarding that was undone, under the same
    /// workflow id; its effects are others. From the run's own random sequence, which a reset repeats: what happened
    /// before the reset happens once.
    run: String,
    /// Whether the address had an account, so that this run opened none.
    found_registered: Cell<bool>,
}

impl<'d> OnboardingRun<'d> {
    pub(super) fn new(
        ctx: &WorkflowContext<CustomerOnboarding>,
        data: &'d CustomerRegistrationData,
        customer_ref: CustomerRef,
    ) -> Self {
        let registered_at = timestamp(ctx.workflow_time()).unwrap_or(Timestamp::UNIX_EPOCH);
        let name = format!("{}/{:016x}", ctx.workflow_id(), ctx.random::<u64>());
        Self { data, customer_ref, registered_at, run: name, found_registered: Cell::new(false) }
    }

    fn key(&self, step: &str) -> IdempotencyKey {
        IdempotencyKey::new(&self.run, step)
    }

    pub(super) fn segments(&self) -> Vec<String> {
        self.data.segments()
    }

    pub(super) async fn create(&self, saga: &OnboardingSaga) -> Result<Account, Halt> {
        let email = self.data.email.clone();
        let question = CheckRef { customer_ref: self.customer_ref.clone(), email: email.clone() };
        let is_named_right = saga
            .step(CREATE, Customers::check_ref, question, policy::bookkeeping())
            .nothing_to_undo("compares two texts")
            .await?;
        if !is_named_right {
            let reason = "the run is named by another customer's pseudonym: starter and worker need the same \
                          SUN_REF_KEY";
            return Err(saga.refused(CREATE, INVALID, reason.to_owned()));
        }
        let account = AccountRef { key: self.key(CREATE) };
        let data = self.data.clone();
        let request = CreateCustomer {
            key: account.key.clone(),
            email,
            first_name: data.first_name,
            last_name: data.last_name,
            phone: data.phone,
            date_of_birth: data.date_of_birth,
            preferences: data.preferences,
            marketing_consent: data.marketing_consent,
        };
        let registration = saga
            .step(CREATE, Customers::create, request, policy::account())
            .or_look_up(Customers::find, account.clone())
            .undo_by(Customers::mark_incomplete, account)
            .await?;
        self.found_registered.set(registration == Registration::AlreadyRegistered);
        match registration {
            Registration::Created(customer) => Ok(Account { customer, was_registered: false }),
            Registration::AlreadyRegistered if self.data.if_registered == IfRegistered::Continue => {
                let customer = self.registered(saga).await?;
                Ok(Account { customer, was_registered: true })
            }
            Registration::AlreadyRegistered => {
                let reason = "the address is registered already: no points, no coupon, no mail".to_owned();
                Err(saga.refused(CREATE, "CustomerExists", reason))
            }
            Registration::Refused { code } => {
                let reason = format!("the platform does not take the registration: {code}");
                Err(saga.refused(CREATE, "RegistrationRefused", reason))
            }
        }
    }

    pub(super) async fn set_up_loyalty(
        &self,
        saga: &OnboardingSaga,
        customer: &Customer,
    ) -> Result<LoyaltyAccount, Halt> {
        let grant = GrantRef { key: self.key(LOYALTY), customer_id: customer.customer_id.clone() };
        let request = OpenAccount {
            key: grant.key.clone(),
            customer_id: grant.customer_id.clone(),
            tier: Tier::Bronze,
            welcome_bonus_points: WELCOME_POINTS,
        };
        saga.step(LOYALTY, Loyalty::open_account, request, policy::account())
            .or_look_up(Loyalty::find_account, grant.clone())
            .undo_by(Loyalty::reverse_points, grant)
            .await
    }

    /// Coupon and series of mails, side by side; both can still be undone. The coupon's code, if it was free.
    pub(super) async fn prepare_welcome(
        &self,
        saga: &OnboardingSaga,
        customer: &Customer,
    ) -> Result<Option<String>, Halt> {
        let (series, coupon) = join!(self.begin_follow_up(saga, customer), self.make_coupon(saga, customer));
        series?;
        match coupon? {
            Coupon::Created { code } => Ok(Some(code)),
            Coupon::CodeTaken => {
                saga.part(WELCOME, COUPON).skip("the code is taken: welcomed without one");
                Ok(None)
            }
        }
    }

    async fn make_coupon(&self, saga: &OnboardingSaga, customer: &Customer) -> Result<Coupon, Halt> {
        let key = self.key(WELCOME).part(COUPON);
        let grant = GrantRef { key: key.clone(), customer_id: customer.customer_id.clone() };
        let expires_at = self
            .registered_at
            .checked_add(SignedDuration::from_hours(24 * COUPON_DAYS))
            .unwrap_or(Timestamp::MAX);
        let request = CreateCoupon {
            key,
            code: welcome_code(customer),
            customer_id: customer.customer_id.clone(),
            percent: COUPON_PERCENT,
            usage_limit: 1,
            expires_at: expires_at.to_string(),
        };
        saga.step(WELCOME, Loyalty::create_coupon, request, policy::account())
            .part(COUPON)
            .or_look_up(Loyalty::find_coupon, grant.clone())
            .undo_by(Loyalty::revoke_coupon, grant)
            .await
    }

    /// The series outlives this run, so that its result need not wait a week.
    async fn begin_follow_up(&self, saga: &OnboardingSaga, customer: &Customer) -> Result<(), Halt> {
        let (ctx, child) = (saga.ctx().clone(), follow_up_emails::workflow_id(&self.customer_ref));
        let data = FollowUpData {
            customer_ref: self.customer_ref.clone(),
            customer_id: customer.customer_id.clone(),
            email: self.data.email.clone(),
            first_name: self.data.first_name.clone(),
            locale: self.data.locale,
            registered_at: self.registered_at,
        };
        let options = ChildWorkflowOptions::builder()
            .workflow_id(child.clone())
            .parent_close_policy(ParentClosePolicy::Abandon)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .search_attributes(SearchAttributes::new(follow_up_emails::search_attributes(&self.customer_ref)))
            .static_summary(format!("Follow-up mails of customer {}", self.customer_ref))
            // A stop does not leave it open whether the series has begun.
            .cancellation_token(Token::new())
            .build();
        let begin = || async move {
            let input = Unchecked::of(&data).map_err(|error| error.to_string())?;
            let started = ctx.start_child_workflow(FollowUpEmails::run, input, options).await;
            started.map(drop).map_err(|error| format!("the series did not begin: {error}"))
        };
        let ctx = saga.ctx().clone();
        let end = move || -> std::pin::Pin<Box<dyn Future<Output = Result<(), String>>>> {
            let options = SignalWorkflowOptions::builder()
                .cancellation_token(Token::new())
                .summary("the onboarding was undone".to_owned())
                .build();
            let series = ctx.external_workflow(child.clone(), None);
            let ended = series.signal(FollowUpEmails::end_series, Said(Some(KeptBack::Undone)), options);
            Box::pin(async move {
                match ended.await {
                    // It never began, or has ended.
                    Ok(()) | Err(WorkflowSignalError::NotFound(_)) => Ok(()),
                    Err(error) => Err(format!("the series could not be ended: {error}")),
                }
            })
        };
        saga.effect(WELCOME, FOLLOW_UP, begin, end).await
    }

    pub(super) async fn welcome(
        &self,
        saga: &OnboardingSaga,
        customer: &Customer,
        loyalty: &LoyaltyAccount,
        code: Option<String>,
    ) {
        let question =
            MayWelcome { customer_id: customer.customer_id.clone(), customer_ref: self.customer_ref.clone() };
        let asked = saga.step(WELCOME, Customers::may_welcome, question, policy::notice()).part(MAIL);
        let (code, list_unsubscribe) = match asked.or_report().await {
            // The code is marketing: it goes to a customer who agreed to that, with a way out.
            Some(WelcomeVerdict::Promote { unsubscribe_url }) => {
                let link = code.is_some().then_some(unsubscribe_url);
                (code, link)
            }
            Some(WelcomeVerdict::Plain) => (None, None),
            Some(WelcomeVerdict::Keep { reason }) => return saga.part(WELCOME, MAIL).skip(reason.words()),
            // Not known is not allowed; the saga has reported it.
            None => {
                let why = "whether it may be sent could not be asked";
                return observe::message_lost(saga.ctx(), "notification.send_email", WELCOME, why);
            }
        };
        let mail = SendEmail {
            key: self.key(WELCOME).part(MAIL),
            to: customer.email.clone(),
            locale: self.data.locale,
            content: Content::Welcome {
                first_name: self.data.first_name.clone(),
                loyalty_points: loyalty.points,
                welcome_discount_code: code,
            },
            list_unsubscribe,
        };
        let step = saga.step(WELCOME, Notifications::send_email, mail, policy::notice()).part(MAIL);
        let (code, is_bounced) = match step.or_report().await {
            Some(Delivery::Refused { code }) => (code, false),
            Some(Delivery::Bounced { code }) => (code, true),
            // Only mails about orders can be switched off.
            Some(Delivery::Accepted { .. } | Delivery::SwitchedOff) | None => return,
        };
        saga.part(WELCOME, MAIL).failed(&format!("refused: {code}"));
        if is_bounced {
            // The series asks before its mails, and is told then.
            let key = self.key(WELCOME).part(SUPPRESS);
            let news = Suppress { key, customer_id: customer.customer_id.clone() };
            let step = saga.step(WELCOME, Customers::suppress, news, policy::aftermath()).part(SUPPRESS);
            let _reported = step.or_report().await;
        }
    }

    /// The customer's interests, budget and brands, for the recommendations.
    pub(super) fn wishes(&self, customer: &Customer) -> UpdatePreferences {
        UpdatePreferences {
            key: self.key(PERSONALIZE).part("preferences"),
            customer_id: customer.customer_id.clone(),
            categories: self.data.interests.clone(),
            price_range: self.data.budget_range.clone(),
            brands: self.data.preferred_brands.clone(),
        }
    }

    pub(super) async fn personalize(&self, saga: &OnboardingSaga, customer: &Customer) {
        let key = self.key(PERSONALIZE);
        let wishes = self.wishes(customer);
        let home = PersonalizeHome {
            key: key.part("home"),
            customer_id: customer.customer_id.clone(),
            sections: vec![
                HomeSection::HeroBanner { content: "welcome_new_customer".to_owned() },
                HomeSection::ProductRecommendations { source: "onboarding_preferences".to_owned() },
                HomeSection::CategoryHighlights { categories: self.data.interests.clone() },
            ],
        };
        let preferences = saga
            .step(PERSONALIZE, Customers::update_preferences, wishes, policy::aftermath())
            .part("preferences");
        let home =
            saga.step(PERSONALIZE, Customers::personalize_home, home, policy::aftermath()).part("home");
        // Reported by the saga when they fail; there is nothing to decide here.
        let _reported = join!(preferences.or_report(), home.or_report());
    }

    pub(super) async fn assign_segments(
        &self,
        saga: &OnboardingSaga,
        customer: &Customer,
        segments: Vec<String>,
    ) {
        let segments =
            AssignSegments { key: self.key(SEGMENTS), customer_id: customer.customer_id.clone(), segments };
        let step = saga.step(SEGMENTS, Customers::assign_segments, segments, policy::aftermath());
        let _reported = step.or_report().await;
    }

    pub(super) async fn track(&self, saga: &OnboardingSaga, customer: &Customer) {
        let now = timestamp(saga.ctx().workflow_time()).unwrap_or(self.registered_at);
        let event = CustomerOnboarded {
            key: self.key(TRACK),
            customer_id: customer.customer_id.clone(),
            onboarding_source: self.data.source.clone(),
            interests: self.data.interests.clone(),
            marketing_consent: self.data.marketing_consent,
            completion_time: now.as_millisecond() - self.registered_at.as_millisecond(),
        };
        let step = saga.step(TRACK, Commerce::track_customer_onboarded, event, policy::aftermath());
        let _reported = step.or_report().await;
    }
}

impl WayBack<CustomerOnboarding, Onboarded> for OnboardingRun<'_> {
    /// An account that was there is not this run's to undo: nothing of it is claimed.
    async fn go_back(&self, back: &Back<'_, CustomerOnboarding>, _halt: &Halt) {
        if self.found_registered.get() {
            back.leave_alone(CREATE);
        }
        back.undo_all().await;
    }
}

/// The seed's code: `WELCOME` and the last six characters of the customer's id.
fn welcome_code(customer: &Customer) -> String {
    let id: Vec<char> = customer.customer_id.as_str().chars().collect();
    let last = id[id.len().saturating_sub(6)..].iter().collect::<String>();
    format!("WELCOME{last}")
}
