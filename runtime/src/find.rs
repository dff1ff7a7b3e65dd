//! The container that a text means, as it really is.

use containers::{Container, LoadError, LookupError};

use crate::{home::Home, truth};

/// The container, its state corrected but not written.
///
/// # Errors
/// [`LookupError`], in dockerd's words.
pub(crate) fn container(home: &Home, text: &str) -> Result<Container, LookupError> {
    let containers = home.containers();
    let id = containers.lookup(text)?;
    let mut container = containers.load(&id).map_err(|source| match source {
        LoadError::NotFound(_) => LookupError::NotFound(text.to_owned()),
        source => LookupError::Unloadable { text: text.to_owned(), source },
    })?;
    truth::correct(home, &mut container);
    Ok(container)
}
