//! The figures that kubekey is held to.

/// Lines in the order in which they were added.
#[derive(Default)]
pub struct Verdict(Vec<String>);

impl Verdict {
    /// A figure that should be at most `limit`; `None` if it could not be measured here.
    pub fn add(&mut self, name: &str, figure: Option<f64>, limit: f64, decimals: usize, unit: &str) {
        let word = match figure {
            Some(figure) if figure <= limit => "ok",
            Some(_) => "OVER",
            None => "?",
        };
        let figure = figure.map_or("unknown".into(), |figure| format!("{figure:.decimals$}"));
        let limit = format!("(limit {limit:.decimals$}{}{unit})", if unit.is_empty() { "" } else { " " });
        self.0.push(format!("{word:<5}{name:<30}{figure:>8} {unit:<3} {limit}"));
    }

    pub fn print(&self) {
        println!("\n{}", self.0.join("\n"));
    }
}
