//! A metric row as the interface names its fields.

use hilo_contracts::facts::{Dimension, Metric, Window};
use hilo_domain::time::to_rfc3339;
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

/// Largest whole number that a double holds exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A row in JSON.
pub(crate) struct Row<'a>(pub(crate) &'a Metric);

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.0;
        let mut fields = serializer.serialize_struct("Metric", 13)?;
        fields.serialize_field("tenant", &row.tenant)?;
        fields.serialize_field("metric", &row.metric)?;
        fields.serialize_field("definition", &row.definition)?;
        fields.serialize_field("window", &row.window.map(Span))?;
        fields.serialize_field("dimensions", &Dimensions(&row.dimensions))?;
        fields.serialize_field("numerator", &row.numerator.map(Shortest))?;
        fields.serialize_field("denominator", &row.denominator.map(Shortest))?;
        fields.serialize_field("value", &row.value.map(Shortest))?;
        fields.serialize_field("count", &row.count)?;
        fields.serialize_field("p50", &row.p50.map(Shortest))?;
        fields.serialize_field("p90", &row.p90.map(Shortest))?;
        fields.serialize_field("is_final", &row.is_final)?;
        fields.serialize_field("revision", &row.revision)?;
        fields.end()
    }
}

struct Span(Window);

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Window", 2)?;
        fields.serialize_field("start", &to_rfc3339(self.0.start))?;
        fields.serialize_field("end", &to_rfc3339(self.0.end))?;
        fields.end()
    }
}

struct Dimensions<'a>(&'a [Dimension]);

impl Serialize for Dimensions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = serializer.serialize_map(Some(self.0.len()))?;
        for Dimension { name, value } in self.0 {
            entries.serialize_entry(name, value)?;
        }
        entries.end()
    }
}

struct Shortest(f64);

impl Serialize for Shortest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_written_as_the_interface_shows_it() {
        let dimension = |name: &str, value: &str| Dimension {
            name: name.into(),
            value: value.into(),
        };
        let row = Metric {
            tenant: "acme".into(),
            metric: "delivery_rate".into(),
            definition: "delivery_rate@1".into(),
            window: Some(Window {
                start: 1_777_899_600_000,
                end: 1_777_903_200_000,
            }),
            dimensions: vec![dimension("template", "cita_manana"), dimension("language", "es_MX")],
            numerator: Some(97.0),
            denominator: Some(100.0),
            value: Some(0.97),
            count: 100,
            p50: None,
            p90: None,
            is_final: true,
            revision: 3,
        };
        assert_eq!(
            serde_json::to_string(&Row(&row)).unwrap(),
            concat!(
                r#"{"tenant":"acme","metric":"delivery_rate","definition":"delivery_rate@1","#,
                r#""window":{"start":"2026-05-04T13:00:00Z","end":"2026-05-04T14:00:00Z"},"#,
                r#""dimensions":{"template":"cita_manana","language":"es_MX"},"numerator":97,"denominator":100,"#,
                r#""value":0.97,"count":100,"p50":null,"p90":null,"is_final":true,"revision":3}"#
            )
        );
    }
}
