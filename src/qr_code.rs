//! A QR code for a terminal, two modules in each character.

use qrcode::{Color, EcLevel, QrCode};

/// The light border, in modules. ISO/IEC 18004 has 4; every reader finds a code with 2, and a small screen has no room for more.
const BORDER: usize = 2;

/// Windows' console may not understand escape sequences, and is dark.
const HAS_COLORS: bool = cfg!(unix);

/// Dark on light, whatever the terminal's colors are. A terminal that does not know the bright white takes the other one.
const COLORS: (&str, &str) = if HAS_COLORS { ("\u{1b}[30;47;107m", "\u{1b}[0m") } else { ("", "") };

/// The lines of the code of `text`; `None` if it does not fit into this many columns and rows.
pub fn lines(text: &str, columns: usize, rows: usize) -> Option<Vec<String>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let side = width + 2 * BORDER;
    if side > columns || side.div_ceil(2) > rows {
        return None;
    }
    let is_drawn = |x: usize, y: usize| {
        let (x, y) = (x.wrapping_sub(BORDER), y.wrapping_sub(BORDER));
        let is_dark = x < width && y < width && modules[y * width + x] == Color::Dark;
        is_dark == HAS_COLORS
    };
    let row = |y: usize| {
        let half = |x: usize| match (is_drawn(x, y), is_drawn(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        format!("{}{}{}", COLORS.0, (0..side).map(half).collect::<String>(), COLORS.1)
    };
    Some((0..side).step_by(2).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_only_where_it_fits() {
        let text = "https://login.example.com/device?user_code=WDJB-MJHT";
        let lines = |columns, rows| lines(text, columns, rows).map(|lines| lines.len());
        assert_eq!(lines(33, 17), Some(17));
        assert_eq!(lines(32, 17), None);
        assert_eq!(lines(33, 16), None);
        assert!(super::lines(&"x".repeat(3000), 1000, 1000).is_none(), "no code is that large");
    }

    #[test]
    fn each_half_of_a_character_is_one_module() {
        let drawn = lines("A", 80, 24).unwrap();
        let modules = QrCode::with_error_correction_level("A", EcLevel::L).unwrap();
        for (y, line) in drawn.iter().enumerate() {
            let line: Vec<_> = line.strip_prefix(COLORS.0).unwrap().strip_suffix(COLORS.1).unwrap().chars().collect();
            assert_eq!(line.len(), modules.width() + 2 * BORDER);
            for (x, character) in line.iter().enumerate() {
                for (half, drawn) in [(0, "█▀"), (1, "█▄")] {
                    let (x, y) = (x.wrapping_sub(BORDER), (2 * y + half).wrapping_sub(BORDER));
                    let is_inside = x < modules.width() && y < modules.width();
                    let is_dark = is_inside && modules[(x, y)] == Color::Dark;
                    assert_eq!(drawn.contains(*character), is_dark == HAS_COLORS, "{x} {y}");
                }
            }
        }
    }
}
