//! The platform's customers.

#![expect(
    missing_docs,
    reason = "the activities macro generates markers without docs; everything else has them"
)]

mod absent;
mod client;
mod permission;

use std::sync::Arc;
use std::time::Duration;

use contracts::customers::{
    AccountRef, AssignSegments, CheckRef, CreateCustomer, Customer, KeptBack, MailVerdict, MayMail,
    MayWelcome, PersonalizeHome, Recommend, RecommendedProduct, RegisteredAddress, Registration, Suppress,
    Unsubscribe, UpdatePreferences, WelcomeVerdict, defs,
};
use contracts::failure;
use contracts::values::{CustomerId, CustomerRef};
use jiff::tz::TimeZone;
use pseudonym::RefKey;
use reqwest::Url;
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};

use crate::effect::{alive, believe_nothing, is_repeated};
use crate::http::{Api, CallError};
use client::Client;
use permission::Said;

/// The pseudonyms' key, and where the links that end marketing mails lead.
#[derive(Clone, Debug, Default)]
pub struct Pseudonyms {
    /// The key of the pseudonyms (`SUN_REF_KEY`); without it no customer can be onboarded.
    pub key: Option<RefKey>,
    /// Where links that end marketing mails lead (`SUN_UNSUBSCRIBE_URL`); without it these mails are kept back.
    pub unsubscribe: Option<Url>,
}

impl Pseudonyms {
    /// The one-click link of a customer.
    fn unsubscribe_url(&self, customer: &CustomerRef, customer_id: &CustomerId) -> Option<String> {
        let (key, mut url) = (self.key.as_ref()?, self.unsubscribe.clone()?);
        let token = key.unsubscribe_token(customer, customer_id);
        url.path_segments_mut().ok()?.pop_if_empty().extend([
            customer.as_str(),
            customer_id.as_str(),
            &token,
        ]);
        Some(url.into())
    }
}

/// The customer activities, on a connection to the platform.
pub struct CustomerActivities {
    client: Client,
    pseudonyms: Pseudonyms,
    second_look: Duration,
    /// The zone of quiet hours for which the platform names none.
    zone: TimeZone,
}

impl CustomerActivities {
    /// On a connection to the platform. `second_look`: how long an undo that found nothing waits before it believes
    /// that.
    #[must_use]
    pub fn new(api: Api, pseudonyms: Pseudonyms, second_look: Duration) -> Self {
        Self { client: Client::new(api), pseudonyms, second_look, zone: TimeZone::UTC }
    }

    /// With the shop's own time zone, in place of that of Greenwich.
    #[must_use]
    pub fn with_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }
}

#[activities]
impl CustomerActivities {
    /// See [`contracts::customers::Customers`].
    #[activity(definition = defs::CheckRef)]
    pub async fn check_ref(
        self: Arc<Self>,
        _ctx: ActivityContext,
        input: CheckRef,
    ) -> Result<bool, ActivityError> {
        match &self.pseudonyms.key {
            Some(key) => Ok(key.customer_ref(&input.email) == input.customer_ref),
            None => Err(give_up("the worker has no SUN_REF_KEY: set it to the starter's, and start again")),
        }
    }

    /// See [`contracts::customers::Customers`]. A second attempt looks first; and an address that is registered may
    /// be registered by ourselves, when a provider does not keep its promise about keys.
    #[activity(definition = defs::Create)]
    pub async fn create(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: CreateCustomer,
    ) -> Result<Registration, ActivityError> {
        let created = alive(&ctx, async {
            if is_repeated(&ctx)
                && let Some(customer) = self.client.find(&input.key).await?
            {
                return Ok(Registration::Created(customer));
            }
            match self.client.create(&input).await? {
                Registration::AlreadyRegistered => Ok(self
                    .client
                    .find(&input.key)
                    .await?
                    .map_or(Registration::AlreadyRegistered, Registration::Created)),
                answer => Ok(answer),
            }
        });
        created.await.map_err(CallError::into_failure)
    }

    /// See [`contracts::customers::Customers`].
    #[activity(definition = defs::Find)]
    pub async fn find(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: AccountRef,
    ) -> Result<Option<Registration>, ActivityError> {
        let found = alive(&ctx, self.client.find(&input.key)).await;
        Ok(found.map_err(CallError::into_failure)?.map(Registration::Created))
    }

    /// See [`contracts::customers::Customers`].
    #[activity(definition = defs::FindRegistered)]
    pub async fn find_registered(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: RegisteredAddress,
    ) -> Result<Option<Customer>, ActivityError> {
        alive(&ctx, self.client.find_registered(&input.email)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::customers::Customers`]. The platform has no word for barring a key, so an undo that finds
    /// nothing looks a second time.
    #[activity(definition = defs::MarkIncomplete)]
    pub async fn mark_incomplete(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: AccountRef,
    ) -> Result<(), ActivityError> {
        let marked = alive(&ctx, async {
            match self.client.find(&input.key).await? {
                Some(customer) => self.client.mark_incomplete(&customer.customer_id).await.map(|()| true),
                None => Ok(false),
            }
        });
        if marked.await.map_err(CallError::into_failure_of_undo)? {
            return Ok(());
        }
        believe_nothing(&ctx, self.second_look)
    }

    /// See [`contracts::customers::Customers`].
    #[activity(definition = defs::UpdatePreferences)]
    pub async fn update_preferences(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: UpdatePreferences,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.client.update_preferences(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::customers::Customers`].
    #[activity(definition = defs::PersonalizeHome)]
    pub async fn personalize_home(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: PersonalizeHome,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.client.personalize_home(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::customers::Customers`].
    #[activity(definition = defs::AssignSegments)]
    pub async fn assign_segments(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: AssignSegments,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.client.assign_segments(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::customers::Customers`]. The platform gives facts; what follows from them at the asked moment
    /// is decided here, in the customer's own time zone.
    #[activity(definition = defs::MayMail)]
    pub async fn may_mail(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: MayMail,
    ) -> Result<MailVerdict, ActivityError> {
        let Ok(now) = input.now.parse() else { return Err(give_up("the moment asked about is no time")) };
        let facts = alive(&ctx, self.client.permission(&input.customer_id)).await;
        let Some(facts) = facts.map_err(CallError::into_failure)? else {
            return Ok(MailVerdict::Keep { reason: KeptBack::NoCustomer });
        };
        match facts.at(now, &self.zone) {
            Ok(Said::Yes) => {
                let link = self.pseudonyms.unsubscribe_url(&input.customer_ref, &input.customer_id);
                let (email, note) = (facts.email(), facts.note());
                Ok(match link {
                    Some(_) => MailVerdict::Send { unsubscribe_url: link, email, note },
                    // Unlawful in many a place, and rude in all.
                    None => MailVerdict::Keep { reason: KeptBack::NoWayOut },
                })
            }
            Ok(Said::Later(until)) => Ok(MailVerdict::Wait { until: until.to_string() }),
            Ok(Said::No(reason)) => Ok(MailVerdict::Keep { reason }),
            // Not known is not allowed; asking again will not help.
            Err(unknown) => Err(give_up(&unknown.to_string())),
        }
    }

    /// See [`contracts::customers::Customers`].
    #[activity(definition = defs::MayWelcome)]
    pub async fn may_welcome(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: MayWelcome,
    ) -> Result<WelcomeVerdict, ActivityError> {
        let facts = alive(&ctx, self.client.permission(&input.customer_id)).await;
        let Some(facts) = facts.map_err(CallError::into_failure)? else {
            return Ok(WelcomeVerdict::Keep { reason: KeptBack::NoCustomer });
        };
        let promotes = match facts.welcome() {
            Ok(Ok(promotes)) => promotes,
            Ok(Err(reason)) => return Ok(WelcomeVerdict::Keep { reason }),
            Err(unknown) => return Err(give_up(&unknown.to_string())),
        };
        let link = self.pseudonyms.unsubscribe_url(&input.customer_ref, &input.customer_id);
        Ok(match link.filter(|_| promotes) {
            Some(unsubscribe_url) => WelcomeVerdict::Promote { unsubscribe_url },
            None => WelcomeVerdict::Plain,
        })
    }

    /// See [`contracts::customers::Customers`].
    #[activity(definition = defs::Unsubscribe)]
    pub async fn unsubscribe(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Unsubscribe,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.client.unsubscribe(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::customers::Customers`].
    #[activity(definition = defs::Suppress)]
    pub async fn suppress(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Suppress,
    ) -> Result<(), ActivityError> {
        alive(&ctx, self.client.suppress(&input)).await.map_err(CallError::into_failure)
    }

    /// See [`contracts::customers::Customers`].
    #[activity(definition = defs::Recommend)]
    pub async fn recommend(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: Recommend,
    ) -> Result<Vec<RecommendedProduct>, ActivityError> {
        alive(&ctx, self.client.recommend(&input)).await.map_err(CallError::into_failure)
    }
}

fn give_up(why: &str) -> ActivityError {
    ActivityError::application(
        ApplicationFailure::builder(why.to_owned())
            .type_name(failure::REFUSED.to_owned())
            .non_retryable(true)
            .build(),
    )
}
