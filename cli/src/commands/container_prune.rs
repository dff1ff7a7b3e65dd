//! `minidock container prune`: containers that do not run go.

use std::io::{self, BufRead as _};

use base::Time;
use runtime::PruneRequest;

use super::{Place, moment::moment};
use crate::{
    failure::{BEFORE_THE_CONTAINER, Failure},
    out::Out,
};

/// Remove all stopped containers
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not prompt for confirmation
    #[arg(short, long)]
    force: bool,
    /// Provide filter values (e.g. 'until=TIMESTAMP')
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
}

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let filters = args.filter.iter().map(|text| pair(text)).collect::<Result<Vec<_>, _>>()?;
    let pruned = match args.force || confirmed(out)? {
        true => {
            let request = request(&filters)?;
            let (home, _writer) = place.open_to_write()?;
            runtime::prune(&home, &request).map_err(|error| Failure::engine(&error))?
        }
        false => Default::default(),
    };
    if !pruned.removed.is_empty() {
        out.line("Deleted Containers:")?;
        pruned.removed.iter().try_for_each(|id| out.line(id))?;
        out.line("")?;
    }
    for why in &pruned.failed {
        out.note(format_args!("WARNING: {why}"))?;
    }
    Ok(out.line(format_args!("Total reclaimed space: {}", base::units::human_size(pruned.bytes)))?)
}

fn pair(text: &str) -> Result<(String, String), Failure> {
    let pair = text.split_once('=').map(|(key, value)| (key.trim().to_lowercase(), value.trim().to_owned()));
    pair.ok_or_else(|| {
        let why = "bad format of filter (expected name=value)";
        Failure::words(format!("invalid argument {text:?} for \"--filter\" flag: {why}"))
            .and_line("See 'minidock container prune --help'.")
            .with_code(BEFORE_THE_CONTAINER)
    })
}

fn request(filters: &[(String, String)]) -> Result<PruneRequest, Failure> {
    let refused = |why: String| Failure::words(format!("Error response from daemon: {why}"));
    let mut request = PruneRequest::default();
    for (key, value) in filters {
        match key.as_str() {
            "label" => request.labels.push(value.clone()),
            "label!" => request.without.push(value.clone()),
            "until" if request.until.is_some() => return Err(refused("more than one until filter specified".into())),
            "until" => {
                let until = moment(value, Time::now());
                request.until = Some(until.ok_or_else(|| refused(format!("cannot parse the time {value:?}")))?);
            }
            other => return Err(refused(format!("Invalid filter '{other}'"))),
        }
    }
    Ok(request)
}

/// docker/cli 20.10, command/utils.go `PromptForConfirmation`.
fn confirmed(out: &mut Out) -> io::Result<bool> {
    out.text("WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim_end_matches(['\r', '\n']).eq_ignore_ascii_case("y"))
}
