//! What Windows reads in `kubekey.exe` about the program.

/// The manifest that becomes a resource.
const MANIFEST: &str = include_str!("../packaging/windows/kubekey.manifest");

#[test]
fn the_manifest_asks_for_long_paths_utf_8_no_console_and_no_rights() {
    for element in [
        "<longPathAware xmlns=\"http://schemas.microsoft.com/SMI/2016/WindowsSettings\">true<",
        "<activeCodePage xmlns=\"http://schemas.microsoft.com/SMI/2019/WindowsSettings\">UTF-8<",
        "<consoleAllocationPolicy xmlns=\"http://schemas.microsoft.com/SMI/2024/WindowsSettings\">detached<",
        "<requestedExecutionLevel level=\"asInvoker\" uiAccess=\"false\"/>",
        "<supportedOS Id=\"{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}\"/>",
    ] {
        assert!(MANIFEST.contains(element), "{element}");
    }
}

#[test]
fn the_icon_has_an_image_for_each_use() {
    let icon = include_bytes!("../packaging/windows/kubekey.ico");
    assert_eq!(icon[..6], [0, 0, 1, 0, 4, 0], "an icon with four images");
    for (image, size) in icon[6..].chunks(16).zip([16, 32, 48, 0]) {
        assert_eq!(image[..2], [size, size], "in pixels; 0 is 256");
        let place = u32::from_le_bytes(image[12..].try_into().unwrap()) as usize;
        assert!(icon[place..].starts_with(b"\x89PNG"), "{size}");
    }
}

/// `winresource` compiles them; a linker that finds no use for an object leaves it out without a word.
#[cfg(windows)]
#[test]
fn the_program_contains_the_manifest_the_icon_and_its_version() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_kubekey")).unwrap();
    let contains = |bytes: &[u8]| program.windows(bytes.len()).any(|part| part == bytes);
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    assert!(contains(b">detached</consoleAllocationPolicy>"));
    let images = include_bytes!("../packaging/windows/kubekey.ico");
    let last = u32::from_le_bytes(images[6 + 3 * 16 + 12..][..4].try_into().unwrap()) as usize;
    assert!(contains(&images[last..]));
    for text in ["ProductName\0", "kubekey\0", "kubekey.exe\0", env!("CARGO_PKG_VERSION")] {
        assert!(contains(&wide(text)), "{text}");
    }
}
