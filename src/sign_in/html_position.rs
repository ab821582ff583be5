//! Where in an HTML document a text ends, as far as it decides what a value that follows can do: the states of the
//! tokenizer (HTML §13.2.5).

/// Elements whose content is no HTML.
const RAW: [&str; 8] = ["script", "style", "iframe", "noembed", "noframes", "noscript", "plaintext", "xmp"];

/// Elements whose content is text with character references.
const TEXT_ONLY: [&str; 2] = ["title", "textarea"];

/// Attributes with a URL, a style or HTML in them; and those that begin with `on`, or whose name contains one of [`URL_PARTS`].
const SPECIAL: [&str; 15] = [
    "action",
    "archive",
    "background",
    "cite",
    "classid",
    "codebase",
    "content",
    "data",
    "formaction",
    "icon",
    "longdesc",
    "manifest",
    "ping",
    "poster",
    "style",
];

const URL_PARTS: [&str; 6] = ["src", "href", "uri", "url", "usemap", ":"];

/// A position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// Between tags.
    #[default]
    Text,
    /// After `<`, with what follows that.
    Open(String),
    /// In a tag of this element, before an attribute.
    Tag(String),
    /// In the name of an attribute, of this element; `true` after a space that follows it.
    Name(String, String, bool),
    /// After the `=` of an attribute.
    Equals(String, String),
    /// In a value in quotes, and whether something of it came already.
    Quoted(String, String, char, bool),
    /// In a value without quotes.
    Unquoted(String),
    /// In a comment, with as much of its end as came.
    Comment(&'static str),
    /// In a declaration or what counts as a comment.
    Declaration,
    /// In the content of an element that ends only with its own end tag, with as much of that as came; whether it is text.
    Raw(String, String, bool),
    /// Where HTML and SVG differ.
    Unknown,
}

/// What may be put at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Text, escaped.
    Text,
    /// The URL of a picture.
    Picture,
    /// Nothing: nobody sees it.
    Nothing,
}

impl Position {
    /// The position after this text.
    pub fn after(self, text: &str) -> Self {
        text.chars().fold(self, Self::next)
    }

    /// The position after a value.
    pub fn after_value(self) -> Self {
        match self {
            Self::Quoted(element, name, quote, _) => Self::Quoted(element, name, quote, true),
            other => other,
        }
    }

    /// The position where two branches meet; `None` if that is not one.
    pub fn joined(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, other) if one == other => Some(one),
            (Self::Quoted(element, name, quote, one), Self::Quoted(of, other_name, other_quote, other))
                if (&element, &name, quote) == (&of, &other_name, other_quote) =>
            {
                Some(Self::Quoted(element, name, quote, one || other))
            }
            _ => None,
        }
    }

    /// What may be put here.
    ///
    /// # Errors
    /// Why nothing may, in words.
    pub fn slot(&self) -> Result<Slot, String> {
        match self {
            Self::Text => Ok(Slot::Text),
            Self::Raw(_, end, true) if end.is_empty() => Ok(Slot::Text),
            Self::Raw(element, ..) => Err(format!("a value cannot be put into '{element}'")),
            Self::Comment(_) => Ok(Slot::Nothing),
            Self::Quoted(element, name, _, false) if (&**element, &**name) == ("img", "src") => Ok(Slot::Picture),
            Self::Quoted(_, name, ..) if is_special(name) => {
                Err(format!("a value cannot be put into the attribute '{name}'"))
            }
            Self::Quoted(..) => Ok(Slot::Text),
            Self::Equals(..) | Self::Unquoted(_) => Err("a value in an attribute needs quotes around it".to_owned()),
            Self::Open(_) | Self::Tag(_) | Self::Name(..) => Err("a value cannot be a part of a tag".to_owned()),
            Self::Declaration | Self::Unknown => Err("a value cannot be put here".to_owned()),
        }
    }

    fn next(self, c: char) -> Self {
        match self {
            Self::Text if c == '<' => Self::Open(String::new()),
            Self::Text | Self::Unknown => self,
            Self::Open(after) => after_open(after, c),
            Self::Tag(element) => match c {
                '>' => content(element),
                c if is_space(c) || c == '/' => Self::Tag(element),
                c => Self::Name(element, c.to_ascii_lowercase().into(), false),
            },
            Self::Name(element, name, is_over) => in_name(element, name, is_over, c),
            Self::Equals(element, name) => match c {
                '>' => content(element),
                '"' | '\'' => Self::Quoted(element, name, c, false),
                c if is_space(c) => Self::Equals(element, name),
                _ => Self::Unquoted(element),
            },
            Self::Quoted(element, _, quote, _) if c == quote => Self::Tag(element),
            Self::Quoted(element, name, quote, _) => Self::Quoted(element, name, quote, true),
            Self::Unquoted(element) => match c {
                '>' => content(element),
                c if is_space(c) => Self::Tag(element),
                _ => Self::Unquoted(element),
            },
            Self::Comment(end) => in_comment(end, c),
            Self::Declaration if c == '>' => Self::Text,
            Self::Declaration => Self::Declaration,
            Self::Raw(element, end, is_text) => in_raw(element, end, is_text, c),
        }
    }
}

fn after_open(after: String, c: char) -> Position {
    match (&*after, c) {
        ("" | "/", c) if c.is_ascii_alphabetic() => Position::Open(after + &c.to_ascii_lowercase().to_string()),
        ("", '/' | '!') => Position::Open(c.into()),
        ("", '?') => Position::Declaration,
        ("", c) => Position::Text.next(c),
        ("!", '-') => Position::Open("!-".to_owned()),
        ("!-", '-') => Position::Comment("<!--"),
        ("!", '[') => Position::Unknown,
        ("/" | "!" | "!-", '>') => Position::Text,
        ("/" | "!" | "!-", _) => Position::Declaration,
        (_, '>') => content(after),
        (_, c) if is_space(c) || c == '/' => Position::Tag(after),
        (_, c) => Position::Open(after + &c.to_ascii_lowercase().to_string()),
    }
}

fn in_name(element: String, name: String, is_over: bool, c: char) -> Position {
    match c {
        '>' => content(element),
        '/' => Position::Tag(element),
        '=' => Position::Equals(element, name),
        c if is_space(c) => Position::Name(element, name, true),
        c if is_over => Position::Name(element, c.to_ascii_lowercase().into(), false),
        c => Position::Name(element, name + &c.to_ascii_lowercase().to_string(), false),
    }
}

/// HTML §13.2.5.43 to §13.2.5.51: `<!-->`, `<!--->` and `--!>` end it, too.
fn in_comment(end: &'static str, c: char) -> Position {
    Position::Comment(match (end, c) {
        ("<!--" | "<!---" | "--" | "--!", '>') => return Position::Text,
        ("<!--", '-') => "<!---",
        ("<!---" | "-" | "--", '-') => "--",
        ("--", '!') => "--!",
        (_, '-') => "-",
        _ => "",
    })
}

fn in_raw(element: String, end: String, is_text: bool, c: char) -> Position {
    let whole = format!("</{element}");
    if end == whole {
        match c {
            '>' => return Position::Text,
            c if is_space(c) || c == '/' => return Position::Tag(format!("/{element}")),
            _ => {}
        }
    }
    let longer = format!("{end}{}", c.to_ascii_lowercase());
    match () {
        () if whole.starts_with(&longer) => Position::Raw(element, longer, is_text),
        // In SVG a title may contain tags.
        () => Position::Raw(element, if c == '<' { "<" } else { "" }.to_owned(), is_text && end.is_empty()),
    }
}

/// After the `>` of a tag.
fn content(element: String) -> Position {
    match () {
        () if RAW.contains(&&*element) => Position::Raw(element, String::new(), false),
        () if TEXT_ONLY.contains(&&*element) => Position::Raw(element, String::new(), true),
        () => Position::Text,
    }
}

fn is_special(name: &str) -> bool {
    SPECIAL.contains(&name) || name.starts_with("on") || URL_PARTS.iter().any(|part| name.contains(part))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands before a value, and where the value is then.
    const SLOTS: [(&str, Option<Slot>); 49] = [
        ("", Some(Slot::Text)),
        ("<p>", Some(Slot::Text)),
        ("a < b ", Some(Slot::Text)),
        ("<p title=\"", Some(Slot::Text)),
        ("<p title = 'x ", Some(Slot::Text)),
        ("<IMG alt='' SRC='", Some(Slot::Picture)),
        ("<img src=\"https://x/", None),
        ("<img src=", None),
        ("<img src=x", None),
        ("<iframe src='", None),
        ("<script src='", None),
        ("<img srcset='", None),
        ("<a href='", None),
        ("<a data-url='", None),
        ("<use xlink:href='", None),
        ("<p style='", None),
        ("<p OnClick='", None),
        ("<meta content='", None),
        ("<iframe srcdoc='", None),
        ("<", None),
        ("<p", None),
        ("<p ", None),
        ("<p x", None),
        ("<p x ", None),
        ("</", None),
        ("</p ", None),
        ("<!", None),
        ("<!DOCTYPE ", None),
        ("<!DOCTYPE html>", Some(Slot::Text)),
        ("<?xml ", None),
        ("<svg><![CDATA[", None),
        ("<!--", Some(Slot::Nothing)),
        ("<!-->", Some(Slot::Text)),
        ("<!--->", Some(Slot::Text)),
        ("<!--!> <p>", Some(Slot::Nothing)),
        ("<!-- -- > --!>", Some(Slot::Text)),
        ("<script>", None),
        ("<script>'</scriptx>", None),
        ("<script>x</SCRIPT >", Some(Slot::Text)),
        ("<script/>", None),
        ("<style>p{}", None),
        ("<noscript>", None),
        ("<title>", Some(Slot::Text)),
        ("<title>a </titl", None),
        ("<title>a <b>", None),
        ("<title>a</title><p>", Some(Slot::Text)),
        ("<p title='>' class=\"x\">", Some(Slot::Text)),
        ("<p title=\"'>", Some(Slot::Text)),
        ("<p/class='", Some(Slot::Text)),
    ];

    #[test]
    fn a_value_is_put_where_it_can_do_nothing_but_be_read() {
        for (before, slot) in SLOTS {
            assert_eq!(Position::default().after(before).slot().ok(), slot, "{before}");
        }
    }
}
