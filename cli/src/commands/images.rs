//! `minidock images`: which images there are.

use base::{Time, gopath::matches as path_match};
use images::{Listed, Reference};
use serde_json::{Value, json};

use super::Place;
use crate::{
    failure::Failure,
    out::{
        Out,
        listing::{self, Format},
    },
};

/// List images
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show all images (default hides intermediate images)
    #[arg(short, long)]
    all: bool,
    /// Show digests
    #[arg(long)]
    digests: bool,
    /// Filter output based on conditions provided (dangling=true|false, label=KEY[=VALUE])
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// Pretty-print images using a Go template
    #[arg(long)]
    format: Option<String>,
    /// Don't truncate output
    #[arg(long)]
    no_trunc: bool,
    /// Only show image IDs
    #[arg(short, long)]
    quiet: bool,
    #[arg(value_name = "REPOSITORY[:TAG]")]
    repository: Option<String>,
}

const NONE: &str = "<none>";

pub fn run(place: &Place, args: Args, out: &mut Out) -> Result<(), Failure> {
    let columns = if args.digests {
        "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
    } else {
        "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
    };
    let asked = if args.quiet { Some("{{.ID}}") } else { args.format.as_deref() };
    let format = Format::parse(asked, columns).map_err(|error| Failure::words(error.to_string()))?;
    let home = place.open()?;
    let created = |name: &str| {
        let image = home.images().resolve(name).map_err(|error| Failure::engine(&error))?;
        Ok(image.config.created.time())
    };
    let filters = args.filter.iter().map(|text| Filter::parse(text, &created)).collect::<Result<Vec<_>, _>>()?;
    let pattern: Vec<_> = args.repository.iter().chain(filters.iter().filter_map(Filter::reference)).collect();
    let layers = home.layers().map_err(|error| Failure::home(&error))?;
    let listing = home.images().list(&layers).map_err(|error| Failure::engine(&error))?;
    let mut rows = Vec::new();
    for listed in &listing.images {
        if (args.all || !listed.is_intermediate()) && filters.iter().all(|filter| filter.takes(listed)) {
            let names = names(listed, args.digests).into_iter().filter(|name| name.is_asked_for(&pattern));
            rows.extend(names.map(|name| fields(listed, &name, args.no_trunc)));
        }
    }
    listing::show(out, &rows, &format, &heading)?;
    for finding in &listing.findings {
        out.note(format_args!("WARNING: {} is left out: {}", finding.path.display(), finding.reason))?;
    }
    Ok(())
}

/// A condition of `--filter`.
enum Filter {
    Dangling(bool),
    Label(String),
    Reference(String),
    Before(Time),
    Since(Time),
}

impl Filter {
    fn parse(text: &str, created: &dyn Fn(&str) -> Result<Time, Failure>) -> Result<Self, Failure> {
        match text.split_once('=') {
            Some(("dangling", "true" | "1")) => Ok(Self::Dangling(true)),
            Some(("dangling", "false" | "0")) => Ok(Self::Dangling(false)),
            Some(("dangling", other)) => Err(refused(&format!("Invalid filter 'dangling=[{other}]'"))),
            Some(("label", label)) => Ok(Self::Label(label.to_owned())),
            Some(("reference", pattern)) => Ok(Self::Reference(pattern.to_owned())),
            Some(("before", name)) => created(name).map(Self::Before),
            Some(("since", name)) => created(name).map(Self::Since),
            Some((key, _)) => Err(refused(&format!("Invalid filter '{key}'"))),
            None => Err(Failure::words("bad format of filter (expected name=value)").with_code(1)),
        }
    }

    fn reference(&self) -> Option<&String> {
        match self {
            Self::Reference(pattern) => Some(pattern),
            _ => None,
        }
    }

    fn takes(&self, listed: &Listed) -> bool {
        match self {
            Self::Dangling(wanted) => listed.is_dangling() == *wanted,
            // Names are looked at one by one
            Self::Reference(_) => true,
            Self::Before(time) => listed.image.config.created.time() < *time,
            Self::Since(time) => listed.image.config.created.time() > *time,
            Self::Label(label) => {
                let labels = listed.image.config.config.as_ref().and_then(|config| config.labels.as_ref());
                let (key, value) =
                    label.split_once('=').map_or((label.as_str(), None), |(key, value)| (key, Some(value)));
                labels.and_then(|labels| labels.get(key)).is_some_and(|has| value.is_none_or(|value| has == value))
            }
        }
    }
}

fn refused(words: &str) -> Failure {
    Failure::words(format!("Error response from daemon: {words}"))
}

/// One row's name: repository, tag, digest.
struct Name {
    repository: String,
    tag: String,
    digest: String,
}

impl Name {
    fn new(repository: impl Into<String>, tag: &str, digest: &str) -> Self {
        Self { repository: repository.into(), tag: tag.to_owned(), digest: digest.to_owned() }
    }

    /// moby 20.10, reference `FamiliarMatch`: a pattern is for the whole name, or for it without
    /// tag or digest. Several patterns are alternatives.
    fn is_asked_for(&self, patterns: &[&String]) -> bool {
        let whole = match (self.tag.as_str(), self.digest.as_str()) {
            (NONE, NONE) => self.repository.clone(),
            (NONE, digest) => format!("{}@{digest}", self.repository),
            (tag, _) => format!("{}:{tag}", self.repository),
        };
        let matches = |pattern: &&String| path_match(pattern, &whole) || path_match(pattern, &self.repository);
        patterns.is_empty() || (self.repository != NONE && patterns.iter().any(matches))
    }
}

/// docker/cli 20.10, command/formatter/image.go `imageFormatTaggedAndDigest`: a row a tag; with
/// `--digests` a row for each digest of the tag's repository.
fn names(listed: &Listed, digests: bool) -> Vec<Name> {
    let mut names = Vec::new();
    for tag in &listed.tags {
        let (repository, tag) = (tag.familiar_name(), tag.tag().unwrap_or(NONE));
        let mut own = listed.digests.iter().filter(|digest| digests && digest.familiar_name() == repository).peekable();
        if own.peek().is_none() {
            names.push(Name::new(repository.clone(), tag, NONE));
        }
        names.extend(own.map(|digest| Name::new(repository.clone(), tag, digest.digest().unwrap_or(NONE))));
    }
    let tagged = |digest: &Reference| listed.tags.iter().any(|tag| tag.familiar_name() == digest.familiar_name());
    let untagged = listed.digests.iter().filter(|digest| !tagged(digest));
    names.extend(untagged.map(|digest| Name::new(digest.familiar_name(), NONE, digest.digest().unwrap_or(NONE))));
    if listed.is_nameless() {
        names.push(Name::new(NONE, NONE, NONE));
    }
    names
}

fn heading(field: &str) -> String {
    match field {
        "ID" => "IMAGE ID".to_owned(),
        "CreatedSince" => "CREATED".to_owned(),
        other => listing::plain_heading(other),
    }
}

fn fields(listed: &Listed, name: &Name, whole: bool) -> Value {
    let id = &listed.image.id;
    let created = listed.image.config.created.time();
    let age = base::units::human_duration(Time::now().seconds_since(&created));
    let size = base::units::human_size_3(listed.size);
    json!({
        "ID": if whole { id.to_string() } else { id.hex()[..12].to_owned() },
        "Repository": name.repository,
        "Tag": name.tag,
        "Digest": name.digest,
        "CreatedSince": if created.is_never() { "N/A".to_owned() } else { format!("{age} ago") },
        "CreatedAt": created.local_text(),
        "Size": size,
        "VirtualSize": size,
        "Containers": "N/A",
        "SharedSize": "N/A",
        "UniqueSize": "N/A",
    })
}
