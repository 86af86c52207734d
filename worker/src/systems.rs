//! The connections to the outside systems.

use std::sync::Arc;

use activities::catalog::CatalogActivities;
use activities::commerce::CommerceActivities;
use activities::customers::CustomerActivities;
use activities::erp::ErpActivities;
use activities::erp::connector::Connectors;
use activities::http::Api;
use activities::inventory::InventoryActivities;
use activities::loyalty::LoyaltyActivities;
use activities::notification::NotificationActivities;
use activities::notification::mail::MailSender;
use activities::notification::sms::SmsSender;
use activities::objects::ObjectActivities;
use activities::payment::{PaymentActivities, Provider};
use activities::prices::{PriceActivities, Team};
use activities::shipping::{Carrier, ShippingActivities};
use messages::Texts;
use store::Store;

use crate::config::Settings;

mod probe;

pub(crate) use probe::Probe;
use probe::{Reads, nothing};

/// One client per outside system.
pub(crate) struct Systems {
    commerce: Api,
    inventory: Api,
    payment: Arc<dyn Provider>,
    shipping: Arc<dyn Carrier>,
    notification: Api,
    /// Whether messages are sent with the platform's address and token.
    sends_as_the_platform: bool,
    mail: Arc<dyn MailSender>,
    sms: Arc<dyn SmsSender>,
    loyalty: Api,
    texts: Texts,
    /// The shop's team, if price runs are to be told it by mail.
    team: Option<Team>,
    store: Store,
}

/// The activities, ready to be registered.
pub(crate) struct Activities {
    pub(crate) commerce: CommerceActivities,
    pub(crate) inventory: InventoryActivities,
    pub(crate) payment: PaymentActivities,
    pub(crate) shipping: ShippingActivities,
    pub(crate) notification: NotificationActivities,
    pub(crate) customers: CustomerActivities,
    pub(crate) loyalty: LoyaltyActivities,
    pub(crate) bulk: BulkActivities,
}

/// Those of bulk work.
pub(crate) struct BulkActivities {
    pub(crate) catalog: CatalogActivities,
    pub(crate) erp: ErpActivities,
    pub(crate) prices: PriceActivities,
    pub(crate) objects: ObjectActivities,
}

impl Systems {
    pub(crate) fn connect(settings: &Settings) -> anyhow::Result<Self> {
        let shop = &settings.shop;
        let team = match &settings.prices.team {
            Some((to, locale)) => {
                let texts = Arc::new(Texts::load()?);
                Some(Team::new(to.clone(), *locale, settings.mail.clone(), texts))
            }
            None => None,
        };
        Ok(Self {
            commerce: Api::new(shop.commerce.clone())?,
            inventory: Api::new(shop.inventory.clone())?,
            payment: settings.payment.clone(),
            shipping: settings.shipping.clone(),
            notification: Api::new(shop.notification.clone())?,
            sends_as_the_platform: shop.notification.names == shop.commerce.names,
            mail: settings.mail.clone(),
            sms: settings.sms.clone(),
            loyalty: Api::new(shop.loyalty.clone())?,
            texts: Texts::load()?,
            team,
            store: Store::open(&settings.erp.store)?,
        })
    }

    /// Each system once: mails and SMS may go by the platform's senders, which are asked anyway.
    pub(crate) fn probes(&self) -> Vec<Probe> {
        let (payment, shipping) = (self.payment.clone(), self.shipping.clone());
        let (mail, sms) = (self.mail.clone(), self.sms.clone());
        let (find, label) = (self.payment.clone(), self.shipping.clone());
        let senders = match self.sends_as_the_platform {
            true => Probe::of("notification", &self.notification).reading(
                &self.commerce,
                &["orders", nothing::ID],
                &[],
            ),
            // Messages are sent there, and nothing can be read.
            false => Probe::of("notification", &self.notification),
        };
        let mut probes = vec![
            Probe::of("commerce", &self.commerce).reading(&self.commerce, &["orders", nothing::ID], &[]),
            Probe::of("inventory", &self.inventory).reading(
                &self.inventory,
                &["inventory", "reservations"],
                &[("reference_id", nothing::ID)],
            ),
            Probe::new("payment", move || {
                let payment = payment.clone();
                async move { payment.health().await.map_err(|error| error.to_string()) }
            })
            .by(Reads::own(move || {
                let payment = find.clone();
                async move {
                    payment.find(&nothing::payment()?).await.map(drop).map_err(|error| error.to_string())
                }
            })),
            Probe::new("shipping", move || {
                let shipping = shipping.clone();
                async move { shipping.health().await.map_err(|error| error.to_string()) }
            })
            .by(Reads::own(move || {
                let shipping = label.clone();
                async move {
                    shipping.find(&nothing::label()?).await.map(drop).map_err(|error| error.to_string())
                }
            })),
            senders,
            Probe::of("loyalty", &self.loyalty).reading(
                &self.loyalty,
                &["loyalty", "accounts"],
                &[("idempotency_key", nothing::ID)],
            ),
        ];
        // A mail server and an SMS provider of their own are logged in to when they are asked.
        let of_messages = [
            Probe::new(self.mail.system(), move || {
                let mail = mail.clone();
                async move { mail.health().await }
            })
            .by(Reads::LogsIn),
            Probe::new(self.sms.system(), move || {
                let sms = sms.clone();
                async move { sms.health().await.map_err(|error| error.to_string()) }
            })
            .by(Reads::LogsIn),
        ];
        for probe in of_messages {
            if probes.iter().all(|known| known.system != probe.system) {
                probes.push(probe);
            }
        }
        probes
    }

    pub(crate) fn into_activities(self, settings: &Settings) -> anyhow::Result<Activities> {
        let connectors = Connectors::new(settings.erp.credentials.clone(), settings.shop.commerce.timeout);
        let second_look = settings.patience.second_look;
        let pseudonyms = settings.pseudonyms.clone();
        let bulk = BulkActivities {
            erp: ErpActivities::new(connectors, self.commerce.clone(), self.store.clone()),
            catalog: CatalogActivities::new(
                self.commerce.clone(),
                self.store.clone(),
                settings.media_allow.clone(),
            )?,
            prices: PriceActivities::new(
                self.commerce.clone(),
                self.notification.clone(),
                self.store.clone(),
                settings.prices.abilities,
            )
            .with_team(self.team),
            objects: ObjectActivities::new(self.store, settings.prices.revertible),
        };
        Ok(Activities {
            bulk,
            customers: CustomerActivities::new(self.commerce.clone(), pseudonyms, second_look)
                .with_zone(settings.zone.clone()),
            loyalty: LoyaltyActivities::new(self.loyalty, self.commerce.clone(), second_look),
            commerce: CommerceActivities::new(self.commerce).looking_again_after(second_look),
            inventory: InventoryActivities::new(self.inventory, settings.shop.lines, second_look),
            payment: PaymentActivities::new(self.payment, second_look),
            shipping: ShippingActivities::new(self.shipping, second_look),
            notification: NotificationActivities::new(self.notification, self.texts)
                .with_mail(self.mail)
                .with_sms(self.sms)
                .with_order_mails(settings.order_mails.clone()),
        })
    }
}
