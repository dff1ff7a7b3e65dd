//! Many layers on each other.

use super::house::{House, id, read};

/// moby 20.10, layer/layer_store.go `maxLayerDepth`.
const MOST: u64 = 125;

// moby's option string outgrows a page long before that, and is then written relative.
pub(super) fn a_container_on_as_many_layers_as_docker_allows(house: &House<'_>) {
    let name = |number: u64| format!("layer-{number}");
    for number in 1..=MOST {
        house.layer(number, (number > 1).then(|| number - 1), &[(&name(number), "x"), ("last", &name(number))]);
    }
    house.writable(MOST + 1, MOST);
    house.writable(MOST + 2, MOST + 1);
    let seen = house.see(&id(MOST + 2));
    assert_eq!(read(&seen, "last"), Some(name(MOST)));
    assert!((1..=MOST).all(|number| read(&seen, &name(number)).is_some()));
    super::house::write(&seen, "last", "mine");
    assert_eq!(read(&seen, "last").as_deref(), Some("mine"));
}
