//! The built-in mapping: valid, named, hashed; what it makes of records, country by country.

use hilo_crm::mapping::{Findings, Mappings, built_in, validate};
use hilo_crm::values::Object;

fn default() -> Mappings {
    Mappings::default_hubspot().unwrap()
}

#[test]
fn the_built_in_mapping_has_nothing_wrong() {
    let files = [(
        "mapping.toml".to_owned(),
        "schema_version = 1\nextends = \"default\"\n".to_owned(),
    )];
    let (mappings, findings) = validate(&files);
    assert_eq!(findings, Findings::default(), "{findings}");
    let countries: Vec<String> = mappings.unwrap().countries().map(str::to_owned).collect();
    assert_eq!(countries, ["AR", "BR", "CL", "CO", "MX", "PE"]);
}

#[test]
fn smoke() {
    let m = default();
    println!("{:#?}", m.of(Some("CL")).fields(Object::Task, &Default::default()));
    println!("{}", m.of(Some("CL")).hash());
    let _ = built_in();
}
