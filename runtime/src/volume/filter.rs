//! `volume ls --filter`, `volume prune --filter`: which volumes are meant. Pure.
//!
//! moby 20.10, volume/service/convert.go `filtersToBy`. unlike moby: the patterns of `name` are
//! texts to be found anywhere, with `^` and `$` for beginning and end.

use std::collections::BTreeMap;

use volumes::Volume;

/// Why a filter cannot be used. The words are dockerd's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// No such key.
    #[error("Invalid filter '{0}'")]
    Key(String),
    /// No `=` in it.
    #[error("invalid argument \"{0}\" for \"-f, --filter\" flag: bad format of filter (expected name=value)")]
    Format(String),
    /// `dangling` that is neither true nor false.
    #[error("Invalid filter 'dangling=[{0}]'")]
    Dangling(String),
}

/// Conditions: of one key any value will do but for labels, of different keys all must.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeFilters(BTreeMap<String, Vec<String>>);

impl VolumeFilters {
    /// Those of `ls`.
    ///
    /// # Errors
    /// [`BadFilter`].
    pub fn for_list(texts: &[String]) -> Result<Self, BadFilter> {
        Self::parse(texts, &["dangling", "name", "driver", "label"])
    }

    /// Those of `prune`.
    ///
    /// # Errors
    /// [`BadFilter`].
    pub fn for_prune(texts: &[String]) -> Result<Self, BadFilter> {
        Self::parse(texts, &["label", "label!"])
    }

    fn parse(texts: &[String], keys: &[&str]) -> Result<Self, BadFilter> {
        let mut filters = BTreeMap::<String, Vec<String>>::new();
        for text in texts {
            let (key, value) = text.split_once('=').ok_or_else(|| BadFilter::Format(text.clone()))?;
            filters.entry(key.trim().to_lowercase()).or_default().push(value.trim().to_owned());
        }
        if let Some(key) = filters.keys().find(|key| !keys.contains(&key.as_str())) {
            return Err(BadFilter::Key(key.clone()));
        }
        let known = ["true", "1", "false", "0"];
        if let Some(values) = filters.get("dangling")
            && !values.iter().any(|value| known.contains(&value.as_str()))
        {
            return Err(BadFilter::Dangling(values.join(" ")));
        }
        Ok(Self(filters))
    }

    fn values(&self, key: &str) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Whether a volume is meant; `used`: whether a container has it.
    pub fn take(&self, volume: &Volume, used: bool) -> bool {
        let any = |key: &str, test: &dyn Fn(&String) -> bool| {
            self.values(key).is_empty() || self.values(key).iter().any(test)
        };
        let label = |wanted: &String| has_label(volume.labels.as_ref(), wanted);
        let dangling = self.values("dangling");
        let wants_dangling = dangling.iter().any(|value| value == "true" || value == "1");
        (dangling.is_empty() || wants_dangling != used)
            && any("name", &|pattern| matches(pattern, &volume.name))
            && any("driver", &|driver| *driver == volume.driver)
            && self.values("label").iter().all(label)
            && !self.values("label!").iter().any(label)
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let (start, rest) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
    let (end, middle) = rest.strip_suffix('$').map_or((false, rest), |middle| (true, middle));
    match (start, end) {
        (true, true) => text == middle,
        (true, false) => text.starts_with(middle),
        (false, true) => text.ends_with(middle),
        (false, false) => text.contains(middle),
    }
}

fn has_label(labels: Option<&BTreeMap<String, String>>, wanted: &str) -> bool {
    let (key, value) = wanted.split_once('=').map_or((wanted, None), |(key, value)| (key, Some(value)));
    labels.and_then(|labels| labels.get(key)).is_some_and(|found| value.is_none_or(|value| value == found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(filters: &[&str], used: bool) -> bool {
        let texts: Vec<_> = filters.iter().map(|text| (*text).to_owned()).collect();
        let volume = Volume {
            name: "data-1".to_owned(),
            driver: "local".to_owned(),
            labels: Some([("a".to_owned(), "b".to_owned())].into()),
            options: None,
            mountpoint: "/x".into(),
            created: None,
        };
        VolumeFilters::for_list(&texts).expect("good").take(&volume, used)
    }

    #[test]
    fn keys_are_conditions_and_values_alternatives() {
        assert!(taken(&["name=data", "name=other", "driver=local", "label=a=b"], false));
        assert!(taken(&["dangling=true"], false) && !taken(&["dangling=true"], true));
        assert!(taken(&["dangling=0"], true) && !taken(&["label=a=c"], false));
    }

    #[test]
    fn bad_filters_are_refused_in_dockerds_words() {
        let words = |text: &str| VolumeFilters::for_list(&[text.to_owned()]).expect_err(text).to_string();
        assert_eq!(words("foo=bar"), "Invalid filter 'foo'");
        assert_eq!(words("dangling=maybe"), "Invalid filter 'dangling=[maybe]'");
        assert!(VolumeFilters::for_prune(&["label!=a".to_owned()]).is_ok());
    }
}
