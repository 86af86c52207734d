//! The connections to the outside systems.

use activities::commerce::CommerceActivities;
use activities::customers::CustomerActivities;
use activities::erp::ErpActivities;
use activities::erp::connector::Connectors;
use activities::http::Api;
use activities::inventory::InventoryActivities;
use activities::loyalty::LoyaltyActivities;
use activities::mail::Mailer;
use activities::notification::{NotificationActivities, Twilio};
use activities::objects::ObjectActivities;
use activities::payment::{PaymentActivities, Provider};
use activities::shipping::ShippingActivities;
use messages::Texts;
use store::Store;

use crate::config::{Payment, Settings};

/// One client per outside system.
pub(crate) struct Systems {
    commerce: Api,
    inventory: Api,
    payment: Provider,
    shipping: Api,
    notification: Api,
    mail: Option<Mailer>,
    twilio: Option<Twilio>,
    loyalty: Api,
    texts: Texts,
    store: Store,
}

/// An outside system that can be asked whether it is there.
#[derive(Clone)]
pub(crate) struct Probe {
    pub(crate) system: &'static str,
    peer: Peer,
}

#[derive(Clone)]
enum Peer {
    Api(Api),
    Payment(Provider),
    Mail(Mailer),
    Sms(Twilio),
}

impl Probe {
    /// Asks the system how it is; the error is the fault in words.
    pub(crate) async fn health(&self) -> Result<(), String> {
        match &self.peer {
            Peer::Api(api) => api.health().await.map_err(|error| error.to_string()),
            Peer::Payment(provider) => provider.health().await.map_err(|error| error.to_string()),
            Peer::Sms(twilio) => twilio.health().await.map_err(|error| error.to_string()),
            Peer::Mail(mailer) => mailer.health().await.map_err(|error| error.to_string()),
        }
    }
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
    pub(crate) erp: ErpActivities,
    pub(crate) objects: ObjectActivities,
}

impl Systems {
    pub(crate) fn connect(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self {
            commerce: Api::new(settings.commerce.clone())?,
            inventory: Api::new(settings.inventory.clone())?,
            payment: match settings.payment.clone() {
                Payment::Platform(endpoint) => Api::new(endpoint)?.into(),
                Payment::Stripe(endpoint) => Provider::stripe(endpoint)?,
            },
            shipping: Api::new(settings.shipping.clone())?,
            notification: Api::new(settings.notification.clone())?,
            mail: settings.mail.clone().map(Mailer::new).transpose()?,
            twilio: settings.twilio.clone().map(Twilio::new).transpose()?,
            loyalty: Api::new(settings.loyalty.clone())?,
            texts: Texts::load()?,
            store: Store::open(&settings.erp.store)?,
        })
    }

    pub(crate) fn probes(&self) -> Vec<Probe> {
        let api = |api: &Api| Peer::Api(api.clone());
        let mail = self.mail.clone().map(|mailer| ("mail", Peer::Mail(mailer)));
        let sms = self.twilio.clone().map(|twilio| ("sms", Peer::Sms(twilio)));
        let always = [
            ("commerce", api(&self.commerce)),
            ("inventory", api(&self.inventory)),
            ("payment", Peer::Payment(self.payment.clone())),
            ("shipping", api(&self.shipping)),
            ("notification", api(&self.notification)),
            ("loyalty", api(&self.loyalty)),
        ];
        always.into_iter().chain(mail).chain(sms).map(|(system, peer)| Probe { system, peer }).collect()
    }

    pub(crate) fn into_activities(self, settings: &Settings) -> Activities {
        let connectors = Connectors::new(settings.erp.credentials.clone(), settings.commerce.timeout);
        Activities {
            erp: ErpActivities::new(connectors, self.commerce.clone(), self.store.clone()),
            objects: ObjectActivities::new(self.store),
            customers: CustomerActivities::new(
                self.commerce.clone(),
                settings.pseudonyms.clone(),
                settings.second_look,
            ),
            loyalty: LoyaltyActivities::new(self.loyalty, self.commerce.clone(), settings.second_look),
            commerce: CommerceActivities::new(self.commerce),
            inventory: InventoryActivities::new(self.inventory, settings.lines, settings.second_look),
            payment: PaymentActivities::new(self.payment, settings.second_look),
            shipping: ShippingActivities::new(self.shipping, settings.second_look),
            notification: NotificationActivities::new(self.notification, self.texts)
                .with_mailer(self.mail)
                .with_twilio(self.twilio),
        }
    }
}
