//! Networks by themselves: which there are, and which of them are meant.
//!
//! moby 20.10, daemon/network/filter.go `FilterNetworks`, daemon/prune.go `localNetworksPrune`.

use std::collections::{BTreeMap, BTreeSet};

use networks::{Joint, Network, NetworkError, NewNetwork};

use crate::home::{Home, HomeError};

/// Why something was not done with a network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkFailure {
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The network's own reason.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// Why a filter cannot be used. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNetworkFilter {
    /// No such key.
    #[error("Invalid filter '{0}'")]
    Key(String),
    /// No such value.
    #[error("invalid filter: '{0}'='{1}'")]
    Value(String, String),
    /// No `=` in it: the client's words.
    #[error("invalid argument \"{0}\" for \"-f, --filter\" flag: bad format of filter (expected name=value)")]
    Format(String),
}

/// Conditions: of one key any value will do but for labels, of different keys all must.
#[derive(Debug, Clone, Default)]
pub struct NetworkFilters(BTreeMap<String, Vec<String>>);

impl NetworkFilters {
    /// Those of `ls`.
    ///
    /// # Errors
    /// [`BadNetworkFilter`].
    pub fn for_list(texts: &[String]) -> Result<Self, BadNetworkFilter> {
        Self::parse(texts, &["dangling", "driver", "id", "label", "name", "scope", "type"])
    }

    /// Those of `prune`.
    ///
    /// # Errors
    /// [`BadNetworkFilter`].
    pub fn for_prune(texts: &[String]) -> Result<Self, BadNetworkFilter> {
        Self::parse(texts, &["label", "label!"])
    }

    fn parse(texts: &[String], keys: &[&str]) -> Result<Self, BadNetworkFilter> {
        let mut filters = BTreeMap::<String, Vec<String>>::new();
        for text in texts {
            let (key, value) = text.split_once('=').ok_or_else(|| BadNetworkFilter::Format(text.clone()))?;
            filters.entry(key.trim().to_lowercase()).or_default().push(value.trim().to_owned());
        }
        if let Some(key) = filters.keys().find(|key| !keys.contains(&key.as_str())) {
            return Err(BadNetworkFilter::Key(key.clone()));
        }
        let words = [("type", &["builtin", "custom"][..]), ("dangling", &["true", "1", "false", "0"])];
        for (key, known) in words {
            let bad = filters.get(key).into_iter().flatten().find(|value| !known.contains(&value.as_str()));
            if let Some(value) = bad {
                return Err(BadNetworkFilter::Value(key.to_owned(), value.clone()));
            }
        }
        Ok(Self(filters))
    }

    fn take(&self, network: &Network, used: bool) -> bool {
        let values = |key: &str| self.0.get(key).map_or(&[][..], Vec::as_slice);
        let any = |key: &str, test: &dyn Fn(&str) -> bool| {
            values(key).is_empty() || values(key).iter().any(|value| test(value))
        };
        let label = |wanted: &String| {
            let (key, value) =
                wanted.split_once('=').map_or((wanted.as_str(), None), |(key, value)| (key, Some(value)));
            network.labels.get(key).is_some_and(|found| value.is_none_or(|value| value == found))
        };
        let dangling = !network.is_predefined() && !used;
        any("driver", &|driver| driver == network.driver)
            && any("id", &|id| network.id.starts_with(id))
            && any("name", &|name| network.name.contains(name))
            && any("scope", &|scope| scope == network.scope)
            && any("type", &|kind| (kind == "builtin") == network.is_predefined())
            && any("dangling", &|wanted| ["true", "1"].contains(&wanted) == dangling)
            && values("label").iter().all(label)
            && !values("label!").iter().any(label)
    }
}

/// Networks and who is on them.
#[derive(Debug)]
pub struct Listed {
    /// The networks that are meant.
    pub networks: Vec<Network>,
    /// Everybody who is on any.
    pub joints: Vec<Joint>,
}

/// The networks that are meant, by name.
///
/// # Errors
/// When what is known of them cannot be read.
pub fn list(home: &Home, filters: &NetworkFilters) -> Result<Listed, NetworkError> {
    let place = home.network_place();
    let joints = place.joints()?;
    let used: BTreeSet<&str> = joints.iter().flat_map(|joint| &joint.networks).map(|on| on.id.as_str()).collect();
    let mut networks = place.networks(home.data_root())?;
    networks.retain(|network| filters.take(network, used.contains(network.id.as_str())));
    networks.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Listed { networks, joints })
}

/// Makes a network. Returns its id.
///
/// # Errors
/// [`NetworkFailure`].
pub fn create(home: &Home, new: NewNetwork) -> Result<String, NetworkFailure> {
    let _writer = home.writer()?;
    Ok(home.network_place().create(home.data_root(), new)?)
}

/// Removes a network, by its name or id.
///
/// # Errors
/// [`NetworkFailure`].
pub fn remove(home: &Home, text: &str) -> Result<(), NetworkFailure> {
    let _writer = home.writer()?;
    let place = home.network_place();
    Ok(place.remove(&place.find(home.data_root(), text)?)?)
}

/// Removes the networks that users of minidock made and nobody is on. Returns their names.
///
/// # Errors
/// [`NetworkFailure`].
pub fn prune(home: &Home, filters: &NetworkFilters) -> Result<Vec<String>, NetworkFailure> {
    let _writer = home.writer()?;
    let mut removed = Vec::new();
    for network in list(home, filters)?.networks {
        match home.network_place().remove(&network) {
            Ok(()) => removed.push(network.name),
            Err(NetworkError::CannotRemove(_) | NetworkError::Active(..) | NetworkError::Dockerds(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(removed)
}
