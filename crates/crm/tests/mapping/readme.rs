//! The tables of the README are those of the code.

use hilo_crm::mapping::{Argument, Definition, TRANSFORMS, codes};

const README: &str = include_str!("../../README.md");

fn row(definition: &Definition) -> String {
    let takes: Vec<&str> = definition.takes.iter().map(|form| form.as_str()).collect();
    let gives = definition.gives.map_or("the same", |form| form.as_str());
    let usage = match definition.argument {
        Argument::Words => format!("`{}:WORD\\|WORD`", definition.name),
        _ => format!("`{}`", definition.usage().replace(" or ", "` or `")),
    };
    format!("| {usage} | {} | {gives} | {} |", takes.join(", "), definition.doc)
}

#[test]
fn every_transform_is_told() {
    for definition in TRANSFORMS {
        let row = row(definition);
        assert!(README.contains(&row), "README.md lacks the row:\n{row}");
    }
}

#[test]
fn every_code_is_told() {
    for (code, meaning) in codes::ALL {
        let row = format!("| `{code}` | {meaning} |");
        assert!(README.contains(&row), "README.md lacks the row:\n{row}");
    }
}

#[test]
fn the_example_is_a_mapping() {
    let block = README
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let files = [("mapping.toml".to_owned(), block.unwrap().to_owned())];
    let (mappings, findings) = hilo_crm::mapping::validate(&files);
    assert!(findings.is_empty(), "{findings}");
    assert_eq!(mappings.unwrap().of(None).name(), "acme+CL");
}
