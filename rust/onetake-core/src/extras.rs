//! What any family of bandits can have beside its own settings: outcomes that arrive late, entities that come and go.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::columns::Columns;
use crate::config::{self, refuse};
use crate::delay::{Delay, Law};
use crate::error::Result;
use crate::family::{Coupling, Family, Spec};
use crate::presence::{self, Churn, Presence};

/// The settings as they stand beside a family's own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// When outcomes arrive; at once where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Who is there; everybody always where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub churn: Option<Churn>,
}

/// The same, checked.
#[derive(Debug, Default)]
pub struct Extras {
    /// When outcomes arrive.
    pub delay: Option<Law>,
    /// Who is there.
    pub presence: Option<Presence>,
}

impl Settings {
    /// Take the settings of these names out of a family's JSON text; what is left is the family's own.
    ///
    /// # Errors
    /// Names the setting that cannot be read.
    pub fn take(family: &str, json: &str) -> Result<(Self, String)> {
        let Ok(Value::Object(mut fields)) = serde_json::from_str(json) else {
            return Ok((Self::default(), json.into()));
        };
        let names = ["delay", "churn"];
        let own: Map<String, Value> =
            names.into_iter().filter_map(|name| fields.remove(name).map(|value| (name.into(), value))).collect();
        Ok((config::parse(family, &Value::Object(own).to_string())?, Value::Object(fields).to_string()))
    }

    /// Write them beside the family's own settings.
    pub fn beside(&self, settings: &str) -> String {
        let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
        let mut fields = read(settings);
        fields.extend(read(&serde_json::to_string(self).unwrap_or_default()));
        Value::Object(fields).to_string()
    }

    /// Columns that a batch of family `F` may have.
    pub fn columns<F: Family>() -> Vec<&'static str> {
        let own: &[&str] = if F::OUTCOMES.is_empty() { &[] } else { &presence::COLUMNS };
        [F::COLUMNS, own].concat()
    }

    /// Check them.
    ///
    /// # Errors
    /// Names the setting, column or row that cannot be used, or that the family does not know.
    pub fn check<F: Family>(&self, columns: &mut Columns) -> Result<Extras> {
        for (name, given) in [("delay", self.delay.is_some()), ("churn", self.churn.is_some())] {
            if given && F::OUTCOMES.is_empty() {
                let wanted = "none: what is observed there is no outcome but a state";
                return Err(refuse(&format!("{}.{name}", F::NAME), "one", wanted));
            }
        }
        let delay = self.delay.as_ref().map(|delay| Law::new(F::NAME, delay)).transpose()?;
        Ok(Extras { delay, presence: Presence::new(F::NAME, self.churn.as_ref(), columns)? })
    }
}

impl Extras {
    /// What may be known of a family of these extras: outcomes of several decisions may be observed together.
    ///
    /// # Errors
    /// Refuses that entities who act on each other come and go.
    pub fn spec<F: Family>(&self, family: &F) -> Result<Spec> {
        let mut spec = family.spec().clone();
        if self.presence.is_some() && spec.coupling != Coupling::Independent {
            let wanted = "none: its entities act on each other";
            return Err(refuse(&format!("{}.churn", F::NAME), "one", wanted));
        }
        if let Some(law) = &self.delay {
            for &place in F::OUTCOMES {
                spec.observations[place].high *= (law.most() + 1) as f32;
            }
        }
        Ok(spec)
    }
}
