//! Networks that users of minidock made: one file each in the exec root. dockerd's database is never written.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use base::Time;

use crate::{
    database,
    error::NetworkError,
    network::{Network, Pool},
    place::{Place, lock, new_id, routes},
    subnet::Subnet,
};

/// A network to be made.
#[derive(Debug, Clone, Default)]
pub struct NewNetwork {
    /// Its name.
    pub name: String,
    /// `bridge`.
    pub driver: String,
    /// `--subnet`.
    pub subnet: Option<String>,
    /// `--ip-range`, in the subnet.
    pub range: Option<Subnet>,
    /// `--gateway`, in the subnet.
    pub gateway: Option<Ipv4Addr>,
    /// Whether nobody outside is to be reached.
    pub internal: bool,
    /// Swarm's.
    pub attachable: bool,
    /// For the driver.
    pub options: BTreeMap<String, String>,
    /// The user's.
    pub labels: BTreeMap<String, String>,
}

const SUFFIX: &str = ".network";

impl Place {
    /// All networks: dockerd's of this data root, and those made here.
    ///
    /// # Errors
    /// When a file that is there cannot be read.
    pub fn networks(&self, data_root: &Path) -> Result<Vec<Network>, NetworkError> {
        let mut found = database::networks(data_root)?;
        found.extend(self.own()?);
        Ok(found)
    }

    /// Finds a network by its id, its name, or the begin of its id, in this order.
    ///
    /// # Errors
    /// [`NetworkError::NotFound`].
    pub fn find(&self, data_root: &Path, text: &str) -> Result<Network, NetworkError> {
        let known = self.networks(data_root)?;
        let by = |test: &dyn Fn(&Network) -> bool| known.iter().find(|network| test(network)).cloned();
        let begins = |network: &Network| !text.is_empty() && network.id.starts_with(text);
        let only = known.iter().filter(|network| begins(network)).count() == 1;
        by(&|network| network.id == text)
            .or_else(|| by(&|network| network.name == text))
            .or_else(|| by(&|network| only && begins(network)))
            .ok_or_else(|| NetworkError::NotFound(text.to_owned()))
    }

    fn own(&self) -> Result<Vec<Network>, NetworkError> {
        let names = match sys::list_dir(self.dir()) {
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            names => names?,
        };
        let mut found = Vec::new();
        for name in names.iter().filter(|name| name.to_string_lossy().ends_with(SUFFIX)) {
            let path = self.dir().join(name);
            let Some(bytes) = sys::read_opt(&path)? else { continue };
            found.push(serde_json::from_slice(&bytes).map_err(|source| NetworkError::Damaged { path, source })?);
        }
        Ok(found)
    }

    fn own_file(&self, id: &str) -> PathBuf {
        self.dir().join(format!("{id}{SUFFIX}"))
    }

    /// Makes a network; its bridge comes with the first container. Returns its id.
    ///
    /// moby 20.10, daemon/network.go `createNetwork`, libnetwork ipam/allocator.go `RequestPool`.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn create(&self, data_root: &Path, new: NewNetwork) -> Result<String, NetworkError> {
        if ["bridge", "host", "none", "default"].contains(&new.name.as_str()) {
            return Err(NetworkError::Predefined(new.name));
        }
        match new.driver.as_str() {
            "bridge" => {}
            "host" | "null" | "macvlan" | "ipvlan" | "overlay" => return Err(NetworkError::Driver(new.driver)),
            _ => return Err(NetworkError::NoDriver(new.driver)),
        }
        let _lock = lock()?;
        let known = self.networks(data_root)?;
        if known.iter().any(|network| network.name == new.name) {
            return Err(NetworkError::Exists(new.name));
        }
        let pools: Vec<Subnet> = known.iter().flat_map(|network| &network.pools).map(|pool| pool.subnet).collect();
        let subnet = match &new.subnet {
            Some(text) => {
                let subnet: Subnet = text.parse().map_err(|_| NetworkError::BadSubnet(text.clone()))?;
                if pools.iter().any(|pool| pool.overlaps(&subnet)) {
                    return Err(NetworkError::Overlap);
                }
                subnet
            }
            None => {
                let routes = routes();
                let free = |pool: &Subnet| !pools.iter().chain(routes.taken.keys()).any(|taken| taken.overlaps(pool));
                Subnet::pools().find(free).ok_or(NetworkError::NoPool)?
            }
        };
        let part = new.range.unwrap_or(subnet);
        let gateway = new.gateway.or_else(|| subnet.free(&part, &std::collections::BTreeSet::new()));
        let network = Network {
            id: new_id(),
            name: new.name,
            created: Time::now(),
            driver: new.driver,
            scope: "local".to_owned(),
            ipv6: false,
            internal: new.internal,
            attachable: new.attachable,
            ingress: false,
            pools: vec![Pool {
                subnet,
                range: new.range,
                gateway,
                chosen: new.subnet.is_some(),
                shows_gateway: new.subnet.is_none() || new.gateway.is_some(),
            }],
            ipam_options: Some(BTreeMap::new()),
            options: new.options,
            labels: new.labels,
        };
        sys::create_dir_all(self.dir(), 0o700)?;
        let bytes = serde_json::to_vec(&network).expect("our own type has only text keys");
        sys::write_atomic(self.own_file(&network.id), &bytes, 0o600)?;
        Ok(network.id)
    }

    /// Removes a network that was made here and that nobody is on.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn remove(&self, network: &Network) -> Result<(), NetworkError> {
        if network.is_predefined() {
            return Err(NetworkError::CannotRemove(network.name.clone()));
        }
        let _lock = lock()?;
        let used = self.joints()?.iter().any(|joint| joint.networks.iter().any(|on| on.id == network.id));
        if used {
            return Err(NetworkError::Active(network.name.clone(), network.id.clone()));
        }
        let file = self.own_file(&network.id);
        if !sys::exists(&file)? {
            return Err(NetworkError::Dockerds(network.name.clone()));
        }
        Ok(sys::remove_file(file)?)
    }
}
