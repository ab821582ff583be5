//! Templates of the original kubekey, in the part of Go's `html/template` that such pages use: fields, `if`, `else`, `with`,
//! `end`, comments and trim markers. Anything else is refused with its line, and so is a value where it could do more than
//! be read.

use std::path::Path;

use super::html_position::{Position, Slot};
use super::template::LARGEST_PAGE;

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Renders the text of the template at `path` with these fields, by their name in Go.
///
/// # Errors
/// What is wrong with it, and where.
pub fn render_original(path: &Path, source: &str, fields: &[(&str, &str)]) -> Result<String, String> {
    let rendering = Rendering { fields, ..Rendering::default() };
    rendering.run(source).map_err(|(at, why)| {
        let line = source[..at].matches('\n').count() + 1;
        let text = source.lines().nth(line - 1).unwrap_or_default().trim();
        format!("{} line {line}: {why}: {text}", path.display())
    })
}

/// A rendering: both branches are checked, and one is written.
#[derive(Default)]
struct Rendering<'a> {
    fields: &'a [(&'a str, &'a str)],
    html: String,
    position: Position,
    blocks: Vec<Block<'a>>,
    /// Whether this branch is not written.
    is_silent: bool,
    /// The value of `.` inside `with`.
    dot: Option<&'a str>,
}

/// An `if` or `with` that has not ended.
struct Block<'a> {
    /// Where it begins.
    at: usize,
    /// What was so before.
    position: Position,
    is_silent: bool,
    dot: Option<&'a str>,
    /// Whether the condition was true.
    is_true: bool,
    /// Where the first branch ended, after an `else`.
    first_end: Option<Position>,
    /// Whether it is the `if` of an `else if`, which ends with the block around it.
    is_else_if: bool,
}

/// What is between `{{` and `}}`.
struct Action<'s> {
    /// Empty for a comment.
    words: Vec<&'s str>,
    trims_before: bool,
    trims_after: bool,
    length: usize,
}

impl<'a> Rendering<'a> {
    fn run(mut self, source: &str) -> Result<String, (usize, String)> {
        let (mut at, mut trims) = (0, false);
        while let Some(length) = source[at..].find("{{") {
            let start = at + length;
            let action = Action::read(&source[start..]).map_err(|why| (start, why))?;
            let text = trimmed(&source[at..start], trims, action.trims_before);
            self.text(text).and_then(|()| self.perform(&action.words, start)).map_err(|why| (start, why))?;
            (at, trims) = (start + action.length, action.trims_after);
        }
        self.text(trimmed(&source[at..], trims, false)).map_err(|why| (at, why))?;
        match self.blocks.first() {
            Some(block) => Err((block.at, "its {{end}} is missing".to_owned())),
            None => Ok(self.html),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        self.position = std::mem::take(&mut self.position).after(text);
        self.write(text)
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        if !self.is_silent {
            self.html.push_str(text);
        }
        match self.html.len() > LARGEST_PAGE {
            true => Err(format!("the page is larger than {LARGEST_PAGE} bytes")),
            false => Ok(()),
        }
    }

    fn perform(&mut self, words: &[&str], at: usize) -> Result<(), String> {
        match words {
            [] => Ok(()),
            ["end"] => self.end(),
            ["else"] => self.turn(),
            ["else", "if", condition] => {
                self.turn()?;
                self.begin(condition, at, true).map(drop)
            }
            ["if", condition] => self.begin(condition, at, false).map(drop),
            ["with", condition] => {
                self.dot = Some(self.begin(condition, at, false)?);
                Ok(())
            }
            [value] if value.starts_with('.') => self.print(value),
            _ => Err(format!("kubekey does not know '{}'", words.join(" "))),
        }
    }

    fn value(&self, word: &str) -> Result<&'a str, String> {
        let names = || self.fields.iter().map(|(name, _)| format!(".{name}")).collect::<Vec<_>>().join(" and ");
        match (word, self.dot) {
            (".", Some(dot)) => Ok(dot),
            (".", None) => Err("'.' is a value only inside {{with}}".to_owned()),
            (_, Some(_)) => Err(format!("inside {{{{with}}}} there is only '.', and not '{word}'")),
            (_, None) => {
                let field = self.fields.iter().find(|(name, _)| word.strip_prefix('.') == Some(name));
                field.map(|(_, value)| *value).ok_or_else(|| format!("'{word}' is not a field (there is {})", names()))
            }
        }
    }

    fn print(&mut self, word: &str) -> Result<(), String> {
        let value = self.value(word)?;
        let slot = self.position.slot()?;
        self.position = std::mem::take(&mut self.position).after_value();
        match slot {
            Slot::Text => self.write(&escaped(value)),
            Slot::Picture if is_picture(value) => self.write(&escaped(value)),
            Slot::Picture | Slot::Nothing => Ok(()),
        }
    }

    fn begin(&mut self, condition: &str, at: usize, is_else_if: bool) -> Result<&'a str, String> {
        let value = self.value(condition)?;
        let (is_silent, is_true) = (self.is_silent, !value.is_empty());
        let position = self.position.clone();
        self.blocks.push(Block { at, position, is_silent, dot: self.dot, is_true, first_end: None, is_else_if });
        self.is_silent |= !is_true;
        Ok(value)
    }

    fn turn(&mut self) -> Result<(), String> {
        let block = self.blocks.last_mut().ok_or("there is no {{if}} for it")?;
        if block.first_end.is_some() {
            return Err("there is an {{else}} already".to_owned());
        }
        block.first_end = Some(std::mem::replace(&mut self.position, block.position.clone()));
        (self.is_silent, self.dot) = (block.is_silent || block.is_true, block.dot);
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        loop {
            let block = self.blocks.pop().ok_or("there is no {{if}} for it")?;
            let other = block.first_end.unwrap_or(block.position);
            let joined = std::mem::take(&mut self.position).joined(other);
            self.position = joined.ok_or("the branches of its {{if}} end at different places of the HTML")?;
            (self.is_silent, self.dot) = (block.is_silent, block.dot);
            if !block.is_else_if {
                return Ok(());
            }
        }
    }
}

impl<'s> Action<'s> {
    /// Reads the one with which `source` begins.
    fn read(source: &'s str) -> Result<Self, String> {
        let unclosed = || "its '}}' is missing".to_owned();
        let inside = &source["{{".len()..];
        let trims_before = inside.strip_prefix('-').is_some_and(|rest| rest.starts_with(SPACE));
        let inside = if trims_before { inside[1..].trim_start_matches(SPACE) } else { inside };
        let is_comment = inside.starts_with("/*");
        let end_of_comment = if is_comment { inside.find("*/").ok_or_else(unclosed)? + 2 } else { 0 };
        let end = end_of_comment + inside[end_of_comment..].find("}}").ok_or_else(unclosed)?;
        let content = &inside[end_of_comment..end];
        let trims_after = content.strip_suffix('-').is_some_and(|rest| rest.ends_with(SPACE));
        let content = if trims_after { &content[..content.len() - 1] } else { content };
        let words: Vec<_> = content.split(SPACE).filter(|word| !word.is_empty()).collect();
        match words.is_empty() == is_comment {
            true => {
                let length = source.len() - inside.len() + end + "}}".len();
                Ok(Self { words, trims_before, trims_after, length })
            }
            false if is_comment => Err("a comment must be alone in its braces".to_owned()),
            false => Err("there is nothing in its braces".to_owned()),
        }
    }
}

fn trimmed(text: &str, before: bool, after: bool) -> &str {
    let text = if before { text.trim_start_matches(SPACE) } else { text };
    if after { text.trim_end_matches(SPACE) } else { text }
}

/// Whether a browser may load it as a picture. One within its own URL, as that of the preview, is loaded from nowhere.
fn is_picture(value: &str) -> bool {
    ["https://", "data:image/"].iter().any(|start| value.starts_with(start))
}

fn escaped(value: &str) -> String {
    let mut html = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&#34;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn render(source: &str, name: &str, picture: &str) -> Result<String, String> {
        render_original(Path::new("html_ok.tmpl"), source, &[("Name", name), ("Picture", picture)])
    }

    #[test]
    fn what_pages_of_the_original_use_is_honoured() {
        for (source, html) in [
            ("<h1>Hi {{.Name}}!</h1>", "<h1>Hi J&lt;&amp;&#39;&#34;&gt;!</h1>"),
            ("{{ .Name }}", "J&lt;&amp;&#39;&#34;&gt;"),
            (
                "<img alt='{{.Name}}' src=\"{{.Picture}}\">",
                "<img alt='J&lt;&amp;&#39;&#34;&gt;' src=\"https://x/?a&amp;b\">",
            ),
            ("a \n{{- /* }} {{ */ -}}\n b{{/* x */}} c", "ab c"),
            ("a {{- if .Name -}} b {{- end -}} c", "abc"),
            ("{{if .Name}}y{{else}}n{{end}}", "y"),
            ("{{if .Picture}}{{else}}n{{end}}", ""),
            ("{{if .Name}}a{{else if .Picture}}b{{else}}c{{end}}d", "ad"),
            ("{{with .Picture}}<img src='{{.}}'>{{else}}{{.Name}}{{end}}", "<img src='https://x/?a&amp;b'>"),
            ("<img src='{{if .Picture}}{{.Picture}}{{end}}'>", "<img src='https://x/?a&amp;b'>"),
            ("<!-- {{.Name}} -->{% x %}{# y #}}}", "<!--  -->{% x %}{# y #}}}"),
            ("<title>{{.Name}}</title>", "<title>J&lt;&amp;&#39;&#34;&gt;</title>"),
            ("{{if\n.Name\n}}y{{end}}", "y"),
        ] {
            assert_eq!(render(source, "J<&'\">", "https://x/?a&b").as_deref(), Ok(html), "{source}");
        }
        assert_eq!(render("{{if .Name}}a{{else if .Picture}}b{{else}}c{{end}}d", "", "").unwrap(), "cd");
        assert_eq!(render("{{if .Name}}a{{else if .Picture}}b{{end}}", "", "https://x").unwrap(), "b");
        for picture in ["http://x", "javascript:alert(1)", "data:,x", ""] {
            assert_eq!(render("<img src='{{.Picture}}'>", "", picture).unwrap(), "<img src=''>", "{picture}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_line() {
        for (source, why) in [
            ("\n{{.Nmae}}", "line 2: '.Nmae' is not a field (there is .Name and .Picture): {{.Nmae}}"),
            ("{{.}}", "line 1: '.' is a value only inside {{with}}"),
            ("{{with .Name}}{{.Picture}}{{end}}", "there is only '.', and not '.Picture'"),
            ("a\nb {{.Name", "line 2: its '}}' is missing: b {{.Name"),
            ("{{}}", "there is nothing in its braces"),
            ("{{/* a", "its '}}' is missing"),
            ("{{/* a */ .Name}}", "a comment must be alone"),
            ("x\n{{if .Name}}", "line 2: its {{end}} is missing"),
            ("{{end}}", "there is no {{if}} for it"),
            ("{{else}}", "there is no {{if}} for it"),
            ("{{if .Name}}{{else}}{{else}}{{end}}", "there is an {{else}} already"),
            ("{{if .Name}}<p title='{{else}}'{{end}}", "end at different places of the HTML"),
            ("{{if .Name}}<script>{{end}}", "end at different places of the HTML"),
            ("{{range .Name}}{{end}}", "kubekey does not know 'range .Name'"),
            ("{{.Name | html}}", "kubekey does not know '.Name | html'"),
            ("{{$x := .Name}}", "kubekey does not know '$x := .Name'"),
            ("{{if eq .Name \"x\"}}{{end}}", "kubekey does not know 'if eq .Name \"x\"'"),
            ("{{template \"x\"}}", "kubekey does not know 'template \"x\"'"),
            ("{{\"x\"}}", "kubekey does not know '\"x\"'"),
            ("{{-.Name}}", "kubekey does not know '-.Name'"),
            ("{{.Name.First}}", "'.Name.First' is not a field"),
            ("<script>let x = '{{.Name}}'</script>", "a value cannot be put into 'script'"),
            ("<style>{{.Name}}</style>", "a value cannot be put into 'style'"),
            ("<p title={{.Name}}>", "needs quotes around it"),
            ("<a href='{{.Picture}}'>", "a value cannot be put into the attribute 'href'"),
            ("<p {{.Name}}>", "a value cannot be a part of a tag"),
        ] {
            let error = render(source, "x", "https://x").unwrap_err();
            assert!(error.starts_with("html_ok.tmpl line ") && error.contains(why), "{source}: {error}");
        }
        let large = "{{.Name}}".repeat(100);
        assert!(render(&large, &"x".repeat(50_000), "").unwrap_err().contains("the page is larger than"));
    }

    /// The characters that make up a page's structure.
    fn markup(html: &str) -> Vec<char> {
        html.chars().filter(|character| "<>\"'".contains(*character)).collect()
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(source in "[-<>&\"'/a-z{}%#=.! \\n\\PC]{0,60}", name in "\\PC{0,20}") {
            let _ = render(&source, &name, &name);
        }

        #[test]
        fn no_value_changes_the_structure_of_a_page(
            parts in prop::collection::vec(prop::sample::select(vec![
                "{{.Name}}", "{{.Picture}}", "{{if .Name}}", "{{with .Picture}}", "{{.}}", "{{else}}", "{{end}}", "{{- ", " -}}",
                "{{", "}}", "/*", "*/", "<p>", "<p title=\"", "<img src='", "\"", "'", ">", "<script>", "</script>", "<!--",
                "-->", "<title>", "</title>", "x", " ", "\n", "=", "ü",
            ]), 0..14),
            name in "[-<>&\"'/a-z! \\PC]{1,20}",
        ) {
            let source = parts.concat();
            let plain = render(&source, "x", "https://x");
            let other = render(&source, &name, &format!("https://{name}"));
            prop_assert_eq!(plain.map(|html| markup(&html)), other.map(|html| markup(&html)));
        }
    }
}
