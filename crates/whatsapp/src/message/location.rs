//! Places.
//!
//! ```json
//! {"type": "location", "location": {"latitude": -33.4489, "longitude": -70.6693, "name": "Plaza de Armas",
//!  "address": "Santiago"}}
//! ```

use super::types::Typed;
use hilo_contracts::details::{Details, Location};
use hilo_domain::read::{decimal, owned, said};

pub(super) fn details(place: &Typed) -> Details {
    let body = place.body;
    Details {
        location: said(Location {
            latitude: decimal(body, "latitude"),
            longitude: decimal(body, "longitude"),
            name: owned(body, "name"),
            address: owned(body, "address"),
            url: owned(body, "url"),
        }),
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use crate::message::types::body;
    use serde_json::json;

    #[test]
    fn a_place_has_degrees_and_a_name() {
        let element = json!({"type": "location", "location": {"latitude": -33.4489, "longitude": "-70.6693",
            "name": "Plaza de Armas", "address": "Santiago"}});
        let location = body(&element, "location").location.unwrap();
        assert_eq!(
            (location.latitude.as_deref(), location.longitude.as_deref()),
            (Some("-33.4489"), Some("-70.6693"))
        );
        assert_eq!(
            (location.name.as_deref(), location.address.as_deref(), location.url),
            (Some("Plaza de Armas"), Some("Santiago"), None)
        );
        assert_eq!(body(&json!({"location": {}}), "location").location, None);
    }
}
