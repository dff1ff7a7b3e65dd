//! What a container sees and is seen by: mounts, names, labels, its log, and files about it.

use std::path::{Path, PathBuf};

use clap::Args;
use runtime::{
    CreateRequest,
    flags::{self, env_file, values},
};

use super::value;
use crate::failure::Failure;

/// Mounts beside `-v`.
#[derive(Debug, Args)]
pub struct Mounts {
    /// Attach a filesystem mount to the container
    #[arg(long, value_name = "KEY=VALUE,…", allow_hyphen_values = true)]
    mount: Vec<String>,
    /// Mount a tmpfs directory
    #[arg(long, value_name = "DIR[:OPTIONS]", allow_hyphen_values = true)]
    tmpfs: Vec<String>,
    /// Mount volumes from the specified container(s)
    #[arg(long, value_name = "CONTAINER[:ro]", allow_hyphen_values = true)]
    volumes_from: Vec<String>,
    /// Optional volume driver for the container
    #[arg(long, value_name = "DRIVER", allow_hyphen_values = true)]
    volume_driver: Option<String>,
}

impl Mounts {
    /// Puts them where they belong.
    pub fn put(self, request: &mut CreateRequest) -> Result<(), Failure> {
        let host = &mut request.host_config;
        host.mounts = value::listed(value::all("mount", &self.mount, flags::mount)?);
        let tmpfs = self.tmpfs.iter().map(|text| text.split_once(':').unwrap_or((text, "")));
        let tmpfs: std::collections::BTreeMap<_, _> =
            tmpfs.map(|(path, options)| (path.to_owned(), options.to_owned())).collect();
        host.tmpfs = (!tmpfs.is_empty()).then_some(tmpfs);
        host.volumes_from = value::listed(self.volumes_from);
        host.volume_driver = self.volume_driver.unwrap_or_default();
        Ok(())
    }
}

/// Names by which the container finds others, and is found.
#[derive(Debug, Args)]
pub struct Names {
    /// Container NIS domain name
    #[arg(long, allow_hyphen_values = true)]
    domainname: Option<String>,
    /// Add a custom host-to-IP mapping (host:ip)
    #[arg(long, value_name = "HOST:IP", allow_hyphen_values = true)]
    add_host: Vec<String>,
    /// Set custom DNS servers
    #[arg(long, value_name = "IP", allow_hyphen_values = true)]
    dns: Vec<String>,
    /// Set DNS options
    #[arg(long, visible_alias = "dns-opt", value_name = "OPTION", allow_hyphen_values = true)]
    dns_option: Vec<String>,
    /// Set custom DNS search domains
    #[arg(long, value_name = "DOMAIN", allow_hyphen_values = true)]
    dns_search: Vec<String>,
}

impl Names {
    /// Puts them where they belong.
    pub fn put(self, request: &mut CreateRequest) -> Result<(), Failure> {
        let host = &mut request.host_config;
        request.config.domainname = self.domainname.unwrap_or_default();
        host.extra_hosts = value::listed(value::all("add-host", &self.add_host, values::extra_host)?);
        host.dns = Some(value::all("dns", &self.dns, values::address)?);
        host.dns_options = Some(self.dns_option);
        host.dns_search = Some(value::all("dns-search", &self.dns_search, values::search_domain)?);
        Ok(())
    }
}

/// The container's log, and files that say something of it or that it is said in.
#[derive(Debug, Args)]
pub struct Papers {
    /// Logging driver for the container
    #[arg(long, value_name = "DRIVER", allow_hyphen_values = true)]
    log_driver: Option<String>,
    /// Log driver options
    #[arg(long, value_name = "KEY=VALUE", allow_hyphen_values = true)]
    log_opt: Vec<String>,
    /// Read in a file of environment variables
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    env_file: Vec<PathBuf>,
    /// Read in a line delimited file of labels
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    label_file: Vec<PathBuf>,
    /// Write the container ID to the file
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    cidfile: Option<PathBuf>,
}

impl Papers {
    /// Puts them where they belong. What files say comes before what was typed.
    pub fn put(self, request: &mut CreateRequest) -> Result<(), Failure> {
        let words = |error: values::BadValue| value::words(error.0);
        let read = |files: &[PathBuf], of: &dyn Fn(&str) -> Option<String>| -> Result<Vec<String>, Failure> {
            let lines = files.iter().map(|file| env_file::read(file, of).map_err(words));
            Ok(lines.collect::<Result<Vec<_>, _>>()?.concat())
        };
        let env = read(&self.env_file, &|name| std::env::var(name.trim()).ok())?;
        if !env.is_empty() {
            let typed = request.config.env.take().unwrap_or_default();
            request.config.env = Some([env, typed].concat());
        }
        let labels = values::pairs(&read(&self.label_file, &|_| None)?);
        let typed = request.config.labels.take().unwrap_or_default();
        request.config.labels = Some(labels.into_iter().chain(typed).collect());
        let log = &mut request.host_config.log_config;
        if let Some(driver) = self.log_driver.filter(|driver| !driver.is_empty()) {
            log.kind = driver;
        }
        if log.kind == "none" && !self.log_opt.is_empty() {
            return Err(value::words("invalid logging opts for driver none".to_owned()));
        }
        log.config = Some(values::pairs(&self.log_opt));
        if let Some(file) = &self.cidfile {
            request.host_config.container_id_file = file.to_string_lossy().into_owned();
        }
        Ok(())
    }
}

/// Refuses a `--cidfile` that is there: another container may be meant (docker/cli 20.10, create.go
/// `newCIDFile`).
///
/// # Errors
/// When it is there.
pub fn check_id_file(file: &str) -> Result<(), Failure> {
    if file.is_empty() || !Path::new(file).exists() {
        return Ok(());
    }
    let words = format!("container ID file found, make sure the other container isn't running or delete {file}");
    Err(Failure::words(words))
}

/// Writes `--cidfile`, if one was asked for (docker/cli 20.10, create.go `newCIDFile`).
///
/// # Errors
/// When it cannot be written.
pub fn write_id(request_file: &str, id: &base::ContainerId) -> Result<(), Failure> {
    if request_file.is_empty() {
        return Ok(());
    }
    sys::write_new(request_file, id.as_str().as_bytes(), 0o666).map_err(|error| {
        let why = crate::commands::go_words(error.io());
        value::words(format!("Failed to create the container ID file: open {request_file}: {why}"))
    })
}
