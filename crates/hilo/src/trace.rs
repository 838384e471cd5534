//! A story on a terminal, masked unless somebody said why.

use crate::say::say;
use hilo_dashboard::{Sight, Trace, to_json};
use serde_json::Value;

/// The story as lines for a terminal, masked unless revealed.
pub(crate) fn print(trace: &Trace, sight: Sight) -> std::io::Result<()> {
    let story = to_json(trace, sight);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    say!("{} {} ({} steps)", trace.kind, text(&story["id"]), trace.total)?;
    for (step, shown) in trace.steps.iter().zip(story["steps"].as_array().into_iter().flatten()) {
        let at = if step.at == 0 {
            "-".to_owned()
        } else {
            text(&shown["at"])
        };
        say!(
            "{at:<24} {:<6} {:<22} {}",
            step.stage.as_str(),
            text(&shown["title"]),
            shown["content"]
        )?;
    }
    Ok(())
}
