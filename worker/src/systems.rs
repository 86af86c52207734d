//! The connections to the outside systems.

use activities::commerce::CommerceActivities;
use activities::http::Api;
use activities::inventory::InventoryActivities;
use activities::notification::NotificationActivities;
use activities::payment::PaymentActivities;
use activities::shipping::ShippingActivities;
use activities::texts::Texts;

use crate::config::Settings;

/// One client per outside system.
pub(crate) struct Systems {
    commerce: Api,
    inventory: Api,
    payment: Api,
    shipping: Api,
    notification: Api,
    texts: Texts,
}

/// An outside system that can be asked whether it is there.
#[derive(Clone)]
pub(crate) struct Probe {
    pub(crate) system: &'static str,
    pub(crate) api: Api,
}

/// The activities, ready to be registered.
pub(crate) struct Activities {
    pub(crate) commerce: CommerceActivities,
    pub(crate) inventory: InventoryActivities,
    pub(crate) payment: PaymentActivities,
    pub(crate) shipping: ShippingActivities,
    pub(crate) notification: NotificationActivities,
}

impl Systems {
    pub(crate) fn connect(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self {
            commerce: Api::new(settings.commerce.clone())?,
            inventory: Api::new(settings.inventory.clone())?,
            payment: Api::new(settings.payment.clone())?,
            shipping: Api::new(settings.shipping.clone())?,
            notification: Api::new(settings.notification.clone())?,
            texts: Texts::load()?,
        })
    }

    pub(crate) fn probes(&self) -> Vec<Probe> {
        [
            ("commerce", &self.commerce),
            ("inventory", &self.inventory),
            ("payment", &self.payment),
            ("shipping", &self.shipping),
            ("notification", &self.notification),
        ]
        .map(|(system, api)| Probe { system, api: api.clone() })
        .to_vec()
    }

    pub(crate) fn into_activities(self, settings: &Settings) -> Activities {
        Activities {
            commerce: CommerceActivities::new(self.commerce),
            inventory: InventoryActivities::new(self.inventory, settings.lines, settings.second_look),
            payment: PaymentActivities::new(self.payment, settings.second_look),
            shipping: ShippingActivities::new(self.shipping, settings.second_look),
            notification: NotificationActivities::new(self.notification, self.texts),
        }
    }
}
