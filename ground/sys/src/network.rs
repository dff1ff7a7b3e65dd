//! The network devices of this process's namespace.

use std::{io, os::fd::AsRawFd, path::Path};

use rustix::net::{AddressFamily, SocketType, socket};

use crate::error::{Error, Result, at};

const LOOPBACK: &str = "lo";

/// Brings up the loopback device, which in a new network namespace is down. The kernel then gives
/// it its addresses.
///
/// # Errors
/// Without CAP_NET_ADMIN over the namespace.
pub fn raise_loopback() -> Result<()> {
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None).map_err(at("socket", LOOPBACK))?;
    // SAFETY: all-zero bytes are a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(LOOPBACK.bytes()) {
        *to = from.cast_signed();
    }
    let failed = |call| Error::new(call, LOOPBACK, io::Error::last_os_error());
    // SAFETY: the request lives across both calls and names a device; the kernel writes into it
    // no more than an ifreq.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut request) } < 0 {
        return Err(failed("ioctl SIOCGIFFLAGS"));
    }
    // SAFETY: the call before filled in the flags, the field of the union that it answers with.
    let flags = unsafe { request.ifr_ifru.ifru_flags };
    request.ifr_ifru.ifru_flags = flags | libc::IFF_UP as libc::c_short;
    // SAFETY: as above.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) } < 0 {
        return Err(failed("ioctl SIOCSIFFLAGS"));
    }
    Ok(())
}

/// Makes a network namespace that stays as long as it is mounted at `path`, a file that is made for it.
/// Its loopback device is up, and devices that come into it have no IPv6.
///
/// # Errors
/// Without root rights, or when the file is there already.
pub fn new_network_namespace(path: &Path) -> Result<()> {
    drop(crate::create_new(path, 0o600)?);
    let made = crate::thread::in_new_network(|| {
        raise_loopback()?;
        for devices in ["all", "default"] {
            let switch = format!("/proc/sys/net/ipv6/conf/{devices}/disable_ipv6");
            // A kernel without IPv6 has no switch.
            if Path::new(&switch).exists() {
                crate::truncate_write(&switch, b"1", 0o644)?;
            }
        }
        rustix::mount::mount_bind("/proc/thread-self/ns/net", path).map_err(at("mount --bind", path))
    });
    made.and_then(|made| made).inspect_err(|_| drop(crate::remove_file(path)))
}
