//! What a person sees of an answer while it is typed: characters of any width, in a terminal of any width.

use crate::support::browser::Mode;
use crate::support::home::Home;
use crate::support::terminal::{END, Person};

const SERVER: &str = "kubekey: URL of the API server, such as https://k8s.example.com:6443: ";
const NAME: &str = "kubekey: name for the cluster [k8s.example.com]: ";
const LEFT: &str = "\x1b[D";
const RIGHT: &str = "\x1b[C";
const BACKSPACE: &str = "\x7f";

/// The line that the cursor is in, and its column, after all this was written to a terminal of so many columns.
fn line(output: &str, columns: usize) -> (String, usize) {
    let (mut cells, mut column, mut saved) = (vec![String::new(); columns], 0, 0);
    let mut rest = output.chars();
    while let Some(character) = rest.next() {
        match character {
            '\r' => column = 0,
            '\n' => cells.fill(String::new()),
            '\x1b' => match rest.next().expect("a sequence") {
                '7' => saved = column,
                '8' => column = saved,
                _ => {
                    let text: String = rest.by_ref().take_while(|character| !character.is_alphabetic()).collect();
                    // What ended it was taken, too, and which that was the parameter tells.
                    match text.parse::<usize>() {
                        Ok(to) => column = to - 1,
                        Err(_) => cells[column..].fill(String::new()),
                    }
                }
            },
            '\u{301}' => cells[column - 1].push(character),
            _ => {
                let width = if character.is_ascii() { 1 } else { 2 };
                if column + width > columns {
                    (cells, column) = (vec![String::new(); columns], 0);
                }
                cells[column] = character.to_string();
                cells[column + 1..column + width].fill(String::new());
                column += width;
            }
        }
    }
    (cells.concat(), column)
}

/// A person who is asked for the cluster's name.
fn asked_for_a_name(home: &Home) -> Person {
    let mut command = home.kubekey();
    command.args(["setup", "--offline"]).env_remove("KUBEKEY_LOG");
    let mut person = Person::run(&command);
    person.answer(SERVER, "https://k8s.example.com");
    person.wait_for(NAME);
    person
}

fn end(mut person: Person) {
    person.type_in(&format!("\u{5}\u{15}{END}"));
    assert_eq!(person.wait().0, Some(1));
}

#[test]
fn wide_characters_stay_in_their_line_and_the_cursor_is_where_it_edits() {
    let home = Home::new(Mode::Absent);
    let start = NAME.len();
    for (keys, shown, column) in [
        ("名前".to_owned(), "名前".to_owned(), 4),
        (format!("名前{LEFT}"), "名前".to_owned(), 2),
        (format!("名前{LEFT}{BACKSPACE}x"), "x前".to_owned(), 1),
        (format!("{}c", "名前".repeat(20)), format!("{}c", "名前".repeat(7)), 29),
        (format!("{}{LEFT}", "名前".repeat(20)), "名前".repeat(7) + "名", 30),
        (format!("\u{1f980}b{LEFT}{LEFT}a"), "a\u{1f980}b".to_owned(), 1),
        (format!("e\u{301}b{LEFT}"), "e\u{301}b".to_owned(), 1),
        (format!("e\u{301}b{LEFT}{LEFT}{LEFT}a{RIGHT}{RIGHT}"), "ae\u{301}b".to_owned(), 2),
    ] {
        let mut person = asked_for_a_name(&home);
        person.type_in(&keys);
        person.wait_until(|output| line(output, 80) == (format!("{NAME}{shown}"), start + column));
        end(person);
    }
}

#[test]
fn a_question_with_wide_characters_has_its_answer_in_the_next_line() {
    let home = Home::new(Mode::Absent);
    let mut named = home.kubekey();
    named.args(["setup", "--offline", "--cluster=名前", "--server=https://k8s.example.com:6443"]);
    named.args(["--issuer-url=https://login.example.com", "--client-id=kubernetes"]);
    assert_eq!(home.run(&mut named).code(), Some(0));
    let mut command = home.kubekey();
    let mut person = Person::run(command.args(["setup", "--offline"]).env_remove("KUBEKEY_LOG"));
    person.answer("[https://k8s.example.com:6443]: ", "");
    person.wait_for("[名前]: ");
    person.type_in(&format!("ab{LEFT}"));
    person.wait_until(|output| line(output, 80) == ("> ab".to_owned(), 3));
    end(person);
}

#[test]
fn a_terminal_of_another_width_shows_the_question_and_the_answer_anew() {
    let home = Home::new(Mode::Absent);
    let mut person = asked_for_a_name(&home);
    person.type_in("abc");
    person.wait_for("abc");
    person.resize(40);
    person.type_in("d");
    person.wait_until(|output| {
        output.ends_with("abcd") || line(output, 40) == (format!("{}abcd", &NAME[40..]), NAME.len() - 40 + 4)
    });
    let again = person.screen().rfind(NAME).unwrap();
    assert_eq!(person.screen().matches(NAME).count(), 2, "{:?}", person.screen());
    person.type_in(&"0123456789".repeat(4));
    let expected = format!("{}{}", &NAME[40..], &"0123456789".repeat(4)[10..]);
    person.wait_until(|output| line(&output[again..], 40) == (expected.clone(), 39));
    person.resize(20);
    person.type_in(LEFT);
    person.wait_until(|output| line(output, 20).0 == format!("> {}", &"0123456789".repeat(4)[22..39]));
    end(person);
}
