//! The networks of an exec root: who is on them, coming and going.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use base::{ContainerId, hex_id};

use crate::{
    chains,
    error::NetworkError,
    joint::{Joint, OnNetwork},
    netavark::Netavark,
    network::Network,
    ports::{self, Published, WantedPort},
    subnet::Subnet,
};

/// Whoever changes the host's devices and rules holds this directory alone: netavark takes no lock.
const LOCK: &str = "/run/minidock";

/// What a container wants.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Which container.
    pub container: &'a ContainerId,
    /// Its name.
    pub name: &'a str,
    /// The networks, the one with the default route first.
    pub networks: Vec<WishOn>,
    /// `--mac-address`, of its first device.
    pub mac: Option<&'a str>,
    /// Ports of the host that are to lead to it.
    pub ports: &'a [WantedPort],
}

/// What a container wants on one network.
#[derive(Debug)]
pub struct WishOn {
    /// Which.
    pub network: Network,
    /// An address of its own choice.
    pub address: Option<Ipv4Addr>,
    /// Further names.
    pub names: Vec<String>,
}

/// `<exec-root>/network`: a file for each container that is on a network. The namespaces are in `netns`
/// beside it, as dockerd's are.
#[derive(Debug, Clone)]
pub struct Place(PathBuf);

impl Place {
    /// That of an exec root. Touches nothing.
    pub fn of(exec_root: &Path) -> Self {
        Self(exec_root.join("network"))
    }

    /// That of this directory.
    pub fn at(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Who is on networks now.
    ///
    /// # Errors
    /// When a file that is there cannot be read.
    pub fn joints(&self) -> Result<Vec<Joint>, NetworkError> {
        let names = match sys::list_dir(&self.0) {
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            names => names?,
        };
        let ids = names.iter().filter_map(|name| name.to_str()?.strip_suffix(SUFFIX)?.parse().ok());
        ids.filter_map(|id| self.joint(&id).transpose()).collect()
    }

    /// Where a container is, if it is on a network.
    ///
    /// # Errors
    /// When its file is there and cannot be read.
    pub fn joint(&self, container: &ContainerId) -> Result<Option<Joint>, NetworkError> {
        let path = self.file(container);
        let Some(bytes) = sys::read_opt(&path)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|source| NetworkError::Damaged { path, source })
    }

    /// Puts a container on its networks.
    ///
    /// # Errors
    /// [`NetworkError`]; nothing of it is left then.
    pub fn join(&self, netavark: &Netavark, wish: &Wish<'_>) -> Result<Joint, NetworkError> {
        self.leave(wish.container)?;
        let _lock = lock()?;
        let others = self.joints()?;
        let networks = wish.networks.iter().enumerate().map(|(number, on)| {
            let mac = wish.mac.filter(|_| number == 0);
            place_on(on, mac, &others)
        });
        let networks = networks.collect::<Result<Vec<_>, _>>()?;
        let theirs: Vec<Published> = others.into_iter().flat_map(|other| other.ports).collect();
        let held = ports::assign(wish.ports, &theirs).map_err(|reason| NetworkError::Port {
            name: wish.name.to_owned(),
            endpoint: networks.first().map(|on| on.endpoint.clone()).unwrap_or_default(),
            reason,
        })?;
        let sandbox = new_id();
        let mut joint = Joint {
            container: wish.container.clone(),
            name: wish.name.to_owned(),
            namespace: self.0.with_file_name("netns").join(&sandbox[..12]),
            sandbox,
            networks,
            ports: held.iter().map(|(port, _)| port.clone()).collect(),
        };
        (0..).zip(&mut joint.networks).for_each(|(number, on)| on.device = format!("eth{number}"));
        joint.choose_outside();
        // First what is to be taken down, then what is set up.
        let of_netavark = self.0.join("netavark");
        for dir in [Some(of_netavark.as_path()), joint.namespace.parent()].into_iter().flatten() {
            sys::create_dir_all(dir, 0o700)?;
        }
        self.write(&joint)?;
        let done = sys::new_network_namespace(&joint.namespace).map_err(NetworkError::from).and_then(|()| {
            // One by one: netavark makes those of one call in an order that is chance.
            joint.networks.iter().try_for_each(|on| netavark.set_up(&joint, &on.id, &of_netavark))
        });
        match done {
            Ok(()) => Ok(joint),
            Err(error) => {
                drop(self.take_down(&joint));
                Err(error)
            }
        }
    }

    /// Takes a container off its networks; one that is on none is left alone.
    ///
    /// # Errors
    /// When its devices or rules cannot be taken down.
    pub fn leave(&self, container: &ContainerId) -> Result<(), NetworkError> {
        if !sys::exists(self.file(container))? {
            return Ok(());
        }
        let _lock = lock()?;
        match self.joint(container)? {
            Some(joint) => self.take_down(&joint),
            None => Ok(()),
        }
    }

    /// Goes on after an error and returns the first; the file goes last, so that it can be tried again.
    fn take_down(&self, joint: &Joint) -> Result<(), NetworkError> {
        // After a reboot the namespace is a plain file, and the rules are gone with the rest.
        let down = match Netavark::find() {
            Some(netavark) if sys::is_mounted(&joint.namespace)? => {
                let dir = self.0.join("netavark");
                let each = joint.networks.iter().map(|on| netavark.take_down(joint, &on.id, &dir));
                each.fold(Ok(()), Result::and)
            }
            _ => Ok(()),
        };
        sys::unmount_if_mounted(&joint.namespace)?;
        if sys::exists(&joint.namespace)? {
            sys::remove_file(&joint.namespace)?;
        }
        sys::remove_file(self.file(&joint.container))?;
        if self.joints().is_ok_and(|left| left.is_empty()) {
            chains::clear();
        }
        down
    }

    /// Puts a container that runs on one more network.
    ///
    /// # Errors
    /// [`NetworkError`]; it is where it was then.
    pub fn connect(&self, container: &ContainerId, wish: &WishOn) -> Result<Joint, NetworkError> {
        let netavark = Netavark::find().ok_or(NetworkError::NoNetavark)?;
        let _lock = lock()?;
        let others = self.joints()?;
        let before =
            self.joint(container)?.ok_or_else(|| NetworkError::NotConnected(container.clone(), String::new()))?;
        let id = wish.network.id.as_str();
        if before.networks.iter().any(|on| on.id == id) {
            return Err(NetworkError::Connected(before.name, wish.network.name.clone()));
        }
        let mut joint = before.clone();
        let mut on = place_on(wish, None, &others)?;
        let free = |device: &String| !joint.networks.iter().any(|on| on.device == *device);
        on.device = (0..).map(|number| format!("eth{number}")).find(free).unwrap_or_default();
        joint.networks.push(on);
        joint.choose_outside();
        self.write(&joint)?;
        let dir = self.0.join("netavark");
        netavark.set_up(&joint, id, &dir).inspect_err(|_| {
            // The failure is the one to tell.
            drop(netavark.take_down(&joint, id, &dir));
            drop(self.write(&before));
        })?;
        Ok(joint)
    }

    /// Takes a container that runs off one network. If outside was reached by it, another that leads there
    /// is made anew.
    ///
    /// # Errors
    /// [`NetworkError`].
    pub fn disconnect(&self, container: &ContainerId, network: &Network) -> Result<Joint, NetworkError> {
        let netavark = Netavark::find().ok_or(NetworkError::NoNetavark)?;
        let _lock = lock()?;
        let not_there = || NetworkError::NotConnected(container.clone(), network.name.clone());
        let mut joint = self.joint(container)?.ok_or_else(not_there)?;
        let at = joint.networks.iter().position(|on| on.id == network.id).ok_or_else(not_there)?;
        let dir = self.0.join("netavark");
        netavark.take_down(&joint, &network.id, &dir)?;
        joint.networks.remove(at);
        let before = joint.clone();
        if joint.choose_outside()
            && let Some(next) = joint.networks.iter().find(|on| on.outside)
        {
            netavark.take_down(&before, &next.id, &dir)?;
            netavark.set_up(&joint, &next.id, &dir)?;
        }
        self.write(&joint)?;
        Ok(joint)
    }

    fn write(&self, joint: &Joint) -> Result<(), NetworkError> {
        let bytes = serde_json::to_vec(joint).expect("our own type has only text keys");
        let unnamed = self.0.join(format!(".{}", joint.container));
        sys::truncate_write(&unnamed, &bytes, 0o600)?;
        Ok(sys::rename(&unnamed, self.file(&joint.container))?)
    }

    fn file(&self, container: &ContainerId) -> PathBuf {
        self.0.join(format!("{container}{SUFFIX}"))
    }
}

const SUFFIX: &str = ".json";

pub(crate) fn lock() -> Result<sys::Lock, NetworkError> {
    let path = Path::new(LOCK);
    sys::create_dir_all(path, 0o711)?;
    Ok(sys::wait_exclusive(sys::open_dir(path)?, path)?)
}

pub(crate) fn new_id() -> String {
    hex_id(sys::random)
}

/// Where on a network a container comes to be: on the bridge and with the addresses that the others have,
/// or, if it is the first, where there is room.
fn place_on(wish: &WishOn, mac: Option<&str>, others: &[Joint]) -> Result<OnNetwork, NetworkError> {
    let WishOn { network, address, names } = wish;
    let pool = network.pools.first().filter(|_| network.driver == "bridge" && !network.ipv6);
    let pool = pool.ok_or_else(|| NetworkError::Unusable(network.name.clone()))?;
    let there: Vec<&OnNetwork> =
        others.iter().flat_map(|other| &other.networks).filter(|on| on.id == network.id).collect();
    let (bridge, subnet, gateway) = match there.first() {
        Some(on) => (on.bridge.clone(), on.subnet, on.gateway),
        None => {
            let (bridge, subnet) = room_for(network, pool.subnet)?;
            let gateway = pool.gateway.filter(|gateway| subnet.contains(*gateway)).unwrap_or_else(|| subnet.at(1));
            (bridge, subnet, gateway)
        }
    };
    let mut taken: BTreeSet<Ipv4Addr> = there.iter().map(|on| on.address).collect();
    taken.insert(gateway);
    let from = pool.range.filter(|_| subnet == pool.subnet).unwrap_or(subnet);
    let free = || subnet.free(&from, &taken);
    if address.is_some_and(|address| taken.contains(&address)) {
        return Err(NetworkError::AddressInUse);
    }
    let address = address
        .or_else(free)
        .ok_or_else(|| NetworkError::NoAddress { name: network.name.clone(), id: network.id.clone() })?;
    let [a, b, c, d] = address.octets();
    Ok(OnNetwork {
        network: network.name.clone(),
        id: network.id.clone(),
        endpoint: new_id(),
        bridge,
        subnet,
        gateway,
        address,
        mac: mac.map_or_else(|| format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}"), str::to_owned),
        device: String::new(),
        internal: network.internal,
        outside: false,
        names: (!network.is_predefined()).then(|| names.clone()),
    })
}

/// The default bridge keeps out of the way of another engine's: of its device, and of its addresses. Those
/// of a network that somebody made are what they are.
fn room_for(network: &Network, subnet: Subnet) -> Result<(String, Subnet), NetworkError> {
    if !network.is_predefined() {
        return Ok((network.device(), subnet));
    }
    let routes = routes();
    let device = match routes.devices.contains(&network.device()) {
        true => format!("br-{}", network.short_id()),
        false => network.device(),
    };
    let free =
        |pool: &Subnet| routes.taken.iter().filter(|(_, on)| **on != device).all(|(taken, _)| !taken.overlaps(pool));
    let found = std::iter::once(subnet).chain(Subnet::pools()).find(free);
    Ok((device, found.ok_or(NetworkError::NoPool)?))
}

/// What the host has.
pub(crate) struct Routes {
    /// Their names.
    pub devices: BTreeSet<String>,
    /// Which device leads to which addresses; a default route leads everywhere and counts for nothing.
    pub taken: BTreeMap<Subnet, String>,
}

pub(crate) fn routes() -> Routes {
    let devices = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    let devices = devices.lines().filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect();
    let routes = std::fs::read_to_string("/proc/thread-self/net/route").unwrap_or_default();
    Routes { devices, taken: routes.lines().skip(1).filter_map(route).collect() }
}

/// `docker0 000011AC 00000000 0001 0 0 0 0000FFFF …`, numbers in the order of the machine.
fn route(line: &str) -> Option<(Subnet, String)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| u32::from_str_radix(fields.get(at)?, 16).ok().map(u32::from_be);
    let bits = u8::try_from(number(7)?.leading_ones()).ok()?;
    (bits > 0).then(|| Some((Subnet::around(Ipv4Addr::from(number(1)?), bits), (*fields.first()?).to_owned())))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge() -> Network {
        Network::predefined(Path::new("/x")).remove(0)
    }

    fn joint(on: OnNetwork) -> Joint {
        Joint {
            container: "ab".parse().expect("an id"),
            name: "web".to_owned(),
            sandbox: String::new(),
            namespace: PathBuf::new(),
            networks: vec![on],
            ports: Vec::new(),
        }
    }

    #[test]
    fn containers_get_addresses_one_after_another_and_macs_made_of_them() {
        let wish = WishOn { network: bridge(), address: None, names: Vec::new() };
        let first = place_on(&wish, None, &[]).expect("a place");
        let second = place_on(&wish, None, &[joint(first.clone())]).expect("a place");
        assert_eq!((first.gateway, first.address), (first.subnet.at(1), first.subnet.at(2)));
        assert_eq!((second.address, second.subnet), (first.subnet.at(3), first.subnet));
        let [a, b, ..] = first.address.octets();
        assert_eq!(first.mac, format!("02:42:{a:02x}:{b:02x}:00:02"));
    }

    #[test]
    fn a_line_of_the_kernels_routes_is_read() {
        let (subnet, device) = route("docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0").expect("a route");
        assert_eq!((subnet.to_string(), device.as_str()), ("172.17.0.0/16".to_owned(), "docker0"));
        assert_eq!(route("eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0"), None, "the default route");
    }
}
