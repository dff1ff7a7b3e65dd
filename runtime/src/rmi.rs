//! `rmi`: names of images, and images that have none left. What containers use stays.

use std::collections::HashMap;

use base::ImageId;
use images::{How, RemoveError, Removed, User};

use crate::{
    events,
    home::{Home, HomeError},
    truth,
};

/// Why an image was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RmiError {
    /// The data root cannot be written to.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The containers cannot be listed, so nobody knows what they use.
    #[error(transparent)]
    Containers(#[from] sys::Error),
    /// The images' own reasons.
    #[error(transparent)]
    Remove(#[from] RemoveError),
}

impl RmiError {
    /// Whether there is no image of that name.
    pub fn is_no_such_image(&self) -> bool {
        matches!(self, Self::Remove(RemoveError::Other(images::Error::NoImage(_))))
    }
}

/// Takes away a name of an image, or all names and the image.
///
/// # Errors
/// [`RmiError`].
pub fn rmi(home: &Home, image: &str, how: How) -> Result<Vec<Removed>, RmiError> {
    let writer = home.writer()?;
    let layers = home.layers_for_images(&writer)?;
    let mut listing = home.containers().load_all()?;
    let mut users = HashMap::<ImageId, Vec<User>>::new();
    for container in &mut listing.containers {
        truth::correct(home, container);
        if let Some(image) = container.record.image_id() {
            let user = User { container: container.id.clone(), running: container.record.state.running };
            users.entry(image).or_default().push(user);
        }
    }
    let users = |image: &ImageId| users.get(image).cloned().unwrap_or_default();
    let id = home.images().resolve(image).map(|found| found.id.to_string()).unwrap_or_default();
    let removed = home.images().remove(&layers, image, how, &users)?;
    for one in &removed {
        // moby 20.10, daemon/images/image_delete.go: an image that goes by its id alone.
        let (action, gone) = match one {
            Removed::Untagged(_) => ("untag", &id),
            Removed::Deleted(gone) if *gone == id => ("delete", gone),
            // A layer, or an image that nobody named.
            Removed::Deleted(_) => continue,
        };
        events::other(home, "image", gone, action, &[("name", gone)]);
    }
    Ok(removed)
}
