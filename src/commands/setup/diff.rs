//! The differences between two texts, in the format of `diff -u`.

use std::fmt::Write;

/// How many lines are shown before and after a change.
const CONTEXT: usize = 3;

/// A line of one text or of both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// The differences, with the path as the name of both sides; `old` is `None` where there is no file.
pub fn unified(path: &str, old: Option<&str>, new: &str) -> String {
    let lines = compare(&split(old.unwrap_or_default()), &split(new));
    let old_path = if old.is_some() { path } else { "/dev/null" };
    let mut text = format!("--- {old_path}\n+++ {path}\n");
    hunks(&lines).into_iter().for_each(|hunk| write_hunk(&mut text, &lines, hunk));
    text
}

fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Myers' algorithm: fast where there are few differences, even in long texts. E. W. Myers, "An O(ND) Difference
/// Algorithm and Its Variations", 1986.
fn compare<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    // For each number of edits, the furthest line of `old` reached on each diagonal.
    let mut history: Vec<Vec<usize>> = Vec::new();
    for edits in 0.. {
        let mut furthest = Vec::with_capacity(edits + 1);
        for diagonal in 0..=edits {
            let mut x = history.last().map_or(0, |before| start(before, diagonal).0);
            while let (Some(a), Some(b)) = (old.get(x), new.get(x + edits - 2 * diagonal))
                && a == b
            {
                x += 1;
            }
            furthest.push(x);
            if x == old.len() && x + edits - 2 * diagonal == new.len() {
                return walk_back(old, new, &history, diagonal);
            }
        }
        history.push(furthest);
    }
    unreachable!("to drop all and add all is a way, too")
}

/// Where one more edit enters a diagonal, and from which diagonal.
fn start(before: &[usize], diagonal: usize) -> (usize, usize) {
    let is_added = diagonal == 0 || (diagonal < before.len() && before[diagonal - 1] < before[diagonal]);
    match is_added {
        true => (before[diagonal], diagonal),
        false => (before[diagonal - 1] + 1, diagonal - 1),
    }
}

fn walk_back<'a>(old: &[&'a str], new: &[&'a str], history: &[Vec<usize>], mut diagonal: usize) -> Vec<Line<'a>> {
    let (mut x, mut y) = (old.len(), new.len());
    let mut lines = Vec::with_capacity(x.max(y));
    for before in history.iter().rev() {
        let (entered, from) = start(before, diagonal);
        while x > entered {
            (x, y) = (x - 1, y - 1);
            lines.push(Line::Same(old[x]));
        }
        if from == diagonal {
            y -= 1;
            lines.push(Line::New(new[y]));
        } else {
            x -= 1;
            lines.push(Line::Old(old[x]));
        }
        diagonal = from;
    }
    lines.extend(old[..x].iter().rev().map(|line| Line::Same(line)));
    lines.reverse();
    lines
}

/// The ranges of lines with changes, each with its context; ranges that touch are merged.
fn hunks(lines: &[Line]) -> Vec<(usize, usize)> {
    let mut hunks: Vec<(usize, usize)> = Vec::new();
    for (index, _) in lines.iter().enumerate().filter(|(_, line)| !matches!(line, Line::Same(_))) {
        let (start, end) = (index.saturating_sub(CONTEXT), (index + 1 + CONTEXT).min(lines.len()));
        match hunks.last_mut() {
            Some(last) if start <= last.1 => last.1 = end,
            _ => hunks.push((start, end)),
        }
    }
    hunks
}

fn write_hunk(text: &mut String, lines: &[Line], (start, end): (usize, usize)) {
    let count = |lines: &[Line], skipped: fn(&Line) -> bool| lines.iter().filter(|line| !skipped(line)).count();
    let is_new: fn(&Line) -> bool = |line| matches!(line, Line::New(_));
    let is_old: fn(&Line) -> bool = |line| matches!(line, Line::Old(_));
    let range = |skipped| {
        let (before, length) = (count(&lines[..start], skipped), count(&lines[start..end], skipped));
        // An empty range is named by the line before it.
        format!("{},{length}", if length == 0 { before } else { before + 1 })
    };
    writeln!(text, "@@ -{} +{} @@", range(is_new), range(is_old)).expect("a String takes all that is written");
    for line in &lines[start..end] {
        let (sign, line) = match line {
            Line::Same(line) => (' ', line),
            Line::Old(line) => ('-', line),
            Line::New(line) => ('+', line),
        };
        let end = if line.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
        write!(text, "{sign}{line}{end}").expect("a String takes all that is written");
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn a_change_is_shown_with_what_is_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13";
        assert_eq!(
            unified("a", Some(old), new),
            "--- a\n+++ a\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n@@ -10,3 +10,4 @@\n 10\n 11\n 12\n+13\n\\ No newline at end of file\n"
        );
    }

    #[test]
    fn a_new_file_comes_from_nowhere() {
        assert_eq!(unified("a", None, "1\n2\n"), "--- /dev/null\n+++ a\n@@ -0,0 +1,2 @@\n+1\n+2\n");
    }
}
